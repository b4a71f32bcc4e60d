"""Break things while a shop runs: kill -9, immediate stop of PostgreSQL, flush of Valkey."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import redis


def processes(home: Path, *words: str) -> Iterator[int]:
    """Processes of the installation at `home` whose command line holds all the words."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environ = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        ours = f"KAMENG_HOME={home}".encode() in environ or str(home) in command
        if ours and all(word in command for word in words):
            yield int(folder.name)


def kill_all(home: Path, *words: str) -> int:
    """SIGKILL to every match; returns how many."""
    found = list(processes(home, *words))
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            found.remove(pid)
    return len(found)


def stop_postgres_immediately(home: Path) -> int:
    """What `pg_ctl stop -m immediate` does: SIGQUIT to the postmaster, no checkpoint."""
    for pid in processes(home, "postgres", "-D"):
        os.kill(pid, signal.SIGQUIT)
        return 1
    return 0


def flush_redis(url: str) -> int:
    """Everything in Valkey is gone."""
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return 1


def faults(home: Path, redis_url: str) -> dict[str, Callable[[], int]]:
    """All faults by name."""
    return {
        "kill -9 web": lambda: kill_all(home, "wsgi:app"),
        "kill -9 worker": lambda: kill_all(home, "dramatiq"),
        "kill -9 scheduler": lambda: kill_all(home, "scheduler"),
        "PostgreSQL immediate stop": lambda: stop_postgres_immediately(home),
        "Valkey flush": lambda: flush_redis(redis_url),
        "kill -9 Valkey": lambda: kill_all(home, "valkey-server"),
        "kill -9 simulators": lambda: kill_all(home, "kameng.ops.simulators"),
    }


def shuffled(names: list[str], source: random.Random) -> list[str]:
    """Every fault once, in an order the seed decides."""
    return source.sample(names, len(names))
