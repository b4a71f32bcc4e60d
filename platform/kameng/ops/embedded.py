"""The embedded servers as supervised services, and as a pair for a test session."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kameng.ops import postgres, valkey
from kameng.ops.home import Home
from kameng.ops.postgres import Postgres
from kameng.ops.process import Service, kill_all, servers_in
from kameng.ops.supervisor import Supervisor
from kameng.ops.valkey import Valkey

# Data of a test session lives for minutes: waiting for the disk would only slow it.
TEST_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def postgres_service(server: Postgres, **options: str) -> Service:
    """PostgreSQL under supervision; SIGINT is its fast shutdown."""
    return Service(
        name="postgres",
        command=server.command(**options),
        ready=server.answers,
        account=server.account,
        stop_signal=signal.SIGINT,
        stop_timeout_s=30,
        before_start=lambda: clear_postgres(server),
    )


def valkey_service(server: Valkey, **options: str) -> Service:
    """Valkey under supervision."""
    return Service(
        name="valkey",
        command=server.command(**options),
        ready=server.answers,
        stop_timeout_s=10,
        before_start=server.prepare,
    )


def clear_postgres(server: Postgres, patience_s: float = 10) -> None:
    """Wait for, then kill, processes of a server that died: they hold its shared memory."""
    end = time.monotonic() + patience_s
    while orphans := servers_in(server.data):
        if time.monotonic() > end:
            kill_all(orphans)
        elif time.monotonic() > end - patience_s / 2:
            kill_all(orphans, signal.SIGQUIT)
        time.sleep(0.1)


@contextmanager
def servers_for_tests() -> Iterator[tuple[str, str]]:
    """Both servers for one test session: (owner's URL, Redis URL); nothing is left behind."""
    folder = Path(tempfile.mkdtemp(prefix="kameng-test-"))
    home = Home(folder)
    home.create()
    server, cache = postgres.locate(home), valkey.locate(home)
    supervisor = Supervisor(home.logs, say=lambda _text: None)
    try:
        server.prepare()
        supervisor.start_all(
            [
                postgres_service(server, max_connections="300", **TEST_OPTIONS),
                valkey_service(cache, appendonly="no", databases="64"),
            ]
        )
        yield server.url("postgres"), cache.url
    finally:
        supervisor.stop()
        for leftover in {folder, server.folder, server.sockets, cache.socket.parent}:
            shutil.rmtree(leftover, ignore_errors=True)
