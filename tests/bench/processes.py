"""What processes have used of the CPU, read from the kernel."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_seconds(word: str) -> float:
    """CPU time of our children with this word in their command, and of all that they started.

    Children that have ended are included.
    """
    stats = {pid: fields for pid in _pids() if (fields := _fields(pid))}
    found = [
        pid for pid, fields in stats.items()
        if int(fields[1]) == os.getpid() and word.encode() in _command(pid)
    ]  # fmt: skip
    for one in found:  # grows while it is walked
        found += [pid for pid, fields in stats.items() if int(fields[1]) == one]
    return sum(int(ticks) for pid in found for ticks in stats[pid][11:15]) / _TICKS_PER_S


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
