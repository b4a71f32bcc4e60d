"""Child processes: started in a session of their own, ended with their parent, never orphaned."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kameng.ops.account import OURSELVES, Account

RUN_MARK = "KAMENG_RUN_HOME"  # stands in the environment of every child of one state folder
_PR_SET_PDEATHSIG = 1
_LOG_LIMIT = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Service:
    """One supervised process. Signals go to its main process alone, once."""

    name: str
    command: list[str]
    ready: Callable[[], bool]
    environ: Mapping[str, str] = field(default_factory=dict)
    account: Account = OURSELVES
    cwd: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 20
    ready_timeout_s: float = 60
    before_start: Callable[[], None] = lambda: None  # cleaning after a kill -9


def start(service: Service, log: Path) -> subprocess.Popen[bytes]:
    """Start the process; its output is added to the log file, or lost if that cannot be opened."""
    descriptor = _open_log(log)
    try:
        return subprocess.Popen(
            service.command,
            cwd=service.cwd,
            env={**os.environ, **service.environ},
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            # A session of its own: Ctrl-C in the terminal reaches `kameng up` alone, which then
            # tells each process once. A second SIGTERM would cut running jobs.
            start_new_session=True,
            preexec_fn=_end_with_parent(service.stop_signal),
            **service.account.popen_options(),
        )
    finally:
        os.close(descriptor)


def _open_log(log: Path) -> int:
    """A full or broken disk of logs must not end the supervisor, and all that it keeps running."""
    try:
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


def _end_with_parent(number: signal.Signals) -> Callable[[], None]:
    """What a child does between fork and exec: ask the kernel for a signal when we die."""
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def prepare() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def tell(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the main process, if it still lives."""
    if process.poll() is None:
        process.send_signal(number)


def sweep_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what a dead main process left in its group (workers of a killed master)."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def left_over(root: Path) -> list[int]:
    """Processes of an earlier run on this state folder that outlived it."""
    mark = f"{RUN_MARK}={root}".encode()
    return [pid for pid in _pids() if pid != os.getpid() and mark in _environ(pid)]


def servers_in(data: Path) -> list[int]:
    """PostgreSQL processes that work in a data folder (they overwrite their environment)."""
    return [pid for pid in _pids() if _cwd(pid) == str(data)]


def kill_all(pids: list[int], number: signal.Signals = signal.SIGKILL) -> None:
    """Signal each process that still exists."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _pids() -> list[int]:
    proc = Path("/proc")
    return (
        [int(path.name) for path in proc.iterdir() if path.name.isdigit()] if proc.exists() else []
    )


def _environ(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _cwd(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""
