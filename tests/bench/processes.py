"""What processes have used of CPU and memory, read from the kernel."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_seconds(word: str) -> float:
    """CPU time of our children with this word in their command, and of all that they started.

    Children that have ended are included.
    """
    ticks = [ticks for pid in offspring(word) for ticks in _fields(pid)[11:15]]
    return sum(int(one) for one in ticks) / _TICKS_PER_S


def offspring(word: str, *, themselves: bool = True) -> list[int]:
    """Our children with this word in their command, and all that they have started."""
    parents = {pid: int(fields[1]) for pid in _pids() if (fields := _fields(pid))}
    found = [
        pid for pid, parent in parents.items()
        if parent == os.getpid() and word.encode() in _command(pid)
    ]  # fmt: skip
    children = len(found)
    for one in found:  # grows while it is walked
        found += [pid for pid, parent in parents.items() if parent == one]
    return found if themselves else found[children:]


def resident_mb(pid: int) -> float:
    """Megabytes of memory that a process has, with what it shares; 0 when it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^VmRSS:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def cpu_of(pid: int) -> float:
    """CPU time of one process in seconds, in steps of a hundredth."""
    return sum(int(ticks) for ticks in _fields(pid)[11:13]) / _TICKS_PER_S


def _pids() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _fields(pid: int) -> list[str]:
    """Of /proc/PID/stat, from the state on; the name before it may hold blanks."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
