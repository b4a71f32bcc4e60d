"""The log folder's disk is full for a while: the kernel answers ENOSPC to whoever writes a log.

An installation of our own, started by root, has its logs on a small tmpfs, which is filled up. Where
nothing can be mounted the logs are links to /dev/full instead, and what writes them is killed, so that
it starts with such a log.
"""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SIZE = "64m"
WRITERS = ("web", "worker", "scheduler")


def mount(logs: Path) -> bool:
    """Put a disk of their own under the logs; False when we may not."""
    logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(logs)]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def unmount(logs: Path) -> None:
    """Take it away again, whoever has a file open there."""
    subprocess.run(["umount", "-l", str(logs)], capture_output=True)


class LogDisk:
    """The disk of one installation's logs."""

    def __init__(self, logs: Path, own: bool, kill: Callable[[str], int]) -> None:
        """`own`: it was mounted by us; `kill` ends the processes of a service."""
        self._logs, self._own, self._kill = logs, own, kill
        self._ballast = logs / "ballast"

    def fill(self) -> int:
        """No byte more can be written; returns how many logs are concerned."""
        if not self._own:
            return self._relink(link=True)
        with suppress(OSError), self._ballast.open("ab", buffering=0) as stream:
            while stream.write(bytes(2**16)):
                pass
        with suppress(OSError), self._ballast.open("ab", buffering=0) as stream:
            while stream.write(b"."):
                pass
        return len(list(self._logs.glob("*.log")))

    def is_full(self) -> bool:
        """Whether the kernel refuses a byte there."""
        probe = self._ballast if self._own else self._logs / f"{WRITERS[0]}.log"
        try:
            with probe.open("ab", buffering=0) as stream:
                stream.write(b".")
        except OSError as error:
            return error.errno == errno.ENOSPC
        return False

    def free(self) -> int:
        """There is room again."""
        if not self._own:
            return self._relink(link=False)
        self._ballast.unlink(missing_ok=True)
        return 1

    def _relink(self, *, link: bool) -> int:
        killed = 0
        for name in WRITERS:
            log, kept = self._logs / f"{name}.log", self._logs / f"{name}.kept"
            if link == log.is_symlink():
                continue
            if link:
                log.rename(kept)
                log.symlink_to("/dev/full")
            else:
                log.unlink()
                kept.rename(log)
            killed += self._kill(name)
        return killed
