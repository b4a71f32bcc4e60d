"""Finding the processes of one installation, and ending them without a warning."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

# What the command line of each service holds.
WORDS = {
    "web": "wsgi:app", "worker": "dramatiq", "scheduler": "scheduler", "Valkey": "valkey-server",
    "simulators": "kameng.ops.simulators",
}  # fmt: skip


def processes(home: Path, *words: str) -> Iterator[int]:
    """Processes of the installation at `home` whose command line holds all the words."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environ = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        ours = f"KAMENG_HOME={home}".encode() in environ or str(home) in command
        if ours and all(word in command for word in words):
            yield int(folder.name)


def kill(home: Path, service: str, source: random.Random | None = None) -> int:
    """SIGKILL to a service; with `source` perhaps to one of its processes only. How many died."""
    found = list(processes(home, WORDS[service]))
    if source and len(found) > 1 and source.random() < 0.5:
        found = [source.choice(found)]
    return sum(_signal(pid, signal.SIGKILL) for pid in found)


def stop_postgres_at_once(data: Path) -> int:
    """What `pg_ctl stop -m immediate` does: SIGQUIT to the postmaster of a data folder, no
    checkpoint. 0 while it is down anyway."""
    try:
        postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
    except (FileNotFoundError, IndexError):
        return 0
    return _signal(postmaster, signal.SIGQUIT)


def _signal(pid: int, number: signal.Signals) -> int:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return 0
    return 1
