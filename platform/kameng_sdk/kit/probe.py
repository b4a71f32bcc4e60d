"""Import a plugin in an interpreter of its own and tell what it did meanwhile.

Run as a script by `look_at`; the plugin's code cannot hurt the kit there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kameng_sdk.kit.finding import Installed

LONGEST_S = 30.0
MARK = "\x1ekit\x1e"

_SCRIPT = r"""
import json, os, sys, threading, time
mark, paths, module, inside = json.loads(sys.argv[1])
sys.path[:] = paths
import kameng_sdk.hookspecs, werkzeug
did, watching = [], [False]
roots = tuple({os.path.realpath(p) for p in [*inside, sys.prefix, sys.base_prefix, *paths] if p})
devices = ("/dev/null", "/dev/urandom", "/etc/", "/usr/", "/proc/self/")
def note(event, args):
    if not watching[0]:
        return
    if event == "socket.bind" and args[1][1:2] == (0,):
        return  # a free port, tried and let go: how libraries learn whether there is IPv6
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen",
                 "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove", "os.rename",
                 "os.mkdir", "sqlite3.connect"):
        did.append(f"{event} {args[1:2] or args[:1]}"[:200])
    elif event == "open" and isinstance(args[0], (str, bytes)):
        path, flags = os.path.realpath(os.fsdecode(args[0])), args[2] or 0
        wrote = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if wrote or not path.startswith((*roots, *devices)):
            did.append(f"open {path}"[:200])
sys.addaudithook(note)
before = set(threading.enumerate())
answer = {"error": ""}
start = time.perf_counter()
watching[0] = True
try:
    __import__(module)
except BaseException as error:
    answer["error"] = f"{type(error).__name__}: {error}"[:300]
watching[0] = False
answer["seconds"] = time.perf_counter() - start
answer["did"] = did
answer["threads"] = [t.name for t in threading.enumerate() if t not in before]
sys.stdout.write("\n" + mark + json.dumps(answer) + "\n")
sys.stdout.flush()
os._exit(0)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What importing it came to. ``did`` names files, sockets and processes it touched."""

    error: str
    seconds: float
    did: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()


def look_at(plugin: Installed, seconds: float = LONGEST_S) -> Look:
    """Import the module of its entry point; never raises what the plugin raises."""
    inside = [str(place) for place in plugin.packages.values()]
    given = json.dumps([MARK, _paths(plugin.packages.values()), plugin.entry.module, inside])
    command = [sys.executable, "-B", "-c", _SCRIPT, given]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return Look(error=f"the import took longer than {seconds:g} s", seconds=seconds)
    _before, found, told = done.stdout.rpartition(MARK)
    if not found:
        return Look(error=f"the interpreter ended with {done.returncode}", seconds=0.0)
    answer = json.loads(told)
    return Look(
        error=answer["error"], seconds=answer["seconds"], did=tuple(answer["did"]),
        threads=tuple(answer["threads"]),
    )  # fmt: skip


def _paths(places: Iterable[Path]) -> list[str]:
    own = [str(place.parent) for place in places]
    return [*dict.fromkeys([*sys.path, *own])]
