"""An installation for the bench: servers, secrets and web processes as `kameng up` makes them.

One PostgreSQL serves the limits and the product alike. It waits for the disk (fsync and
synchronous_commit are on): without that, ratios would say nothing about a real shop.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from kameng.db.migrate import migrate
from kameng.ops import postgres, valkey
from kameng.ops.embedded import clear_postgres, postgres_service, valkey_service
from kameng.ops.home import CHECKOUT, Home
from kameng.ops.postgres import Postgres
from kameng.ops.supervisor import Supervisor
from kameng.ops.up import prepare
from kameng.settings import Settings

HOME = CHECKOUT / "var" / "bench" / "home"  # on a disk: a temporary folder may lie in memory
LIMITS = "limits"  # the database of the limits, beside the product's
# Differs from `kameng up` in one thing: room for pgbench and the pools of several web servers.
OPTIONS = {"max_connections": "500"}
SHOWN = (
    "server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers",
    "max_wal_size",
)  # fmt: skip


@dataclass(frozen=True)
class Installation:
    """Running servers with a migrated database, and what starts further processes (`sites`)."""

    settings: Settings
    environ: Mapping[str, str]
    postgres: Postgres
    supervisor: Supervisor

    @property
    def owner_url(self) -> str:
        """The owner's address of the product's database."""
        return self.settings.database_url

    def shown_settings(self) -> dict[str, str]:
        """What the server says of itself; stands in the report."""
        with psycopg.connect(self.owner_url) as owner:
            rows = [owner.execute(f"SHOW {name}".encode()).fetchone() for name in SHOWN]
        return {name: str(row[0]) for name, row in zip(SHOWN, rows, strict=True) if row}


@contextmanager
def installation(folder: Path = HOME) -> Iterator[Installation]:
    """Everything on a fresh state folder; nothing is left behind."""
    shutil.rmtree(folder, ignore_errors=True)
    home = Home(folder)
    home.create()
    start = prepare(home, {**os.environ, "KAMENG_DEMO": "0"})
    server, cache = postgres.locate(home), valkey.locate(home)
    supervisor = Supervisor(home.logs, say=lambda _text: None)
    try:
        shutil.rmtree(server.folder, ignore_errors=True)  # a killed run's, when it lies elsewhere
        server.prepare()
        clear_postgres(server)
        supervisor.start_all([postgres_service(server, **OPTIONS), valkey_service(cache)])
        server.ensure_database()
        start = start.with_addresses(database_url=server.url(), redis_url=cache.url)
        migrate(start.settings)
        yield Installation(start.settings, start.environ, server, supervisor)
    finally:
        supervisor.stop()
        for leftover in {folder, server.folder, server.sockets, cache.socket.parent}:
            shutil.rmtree(leftover, ignore_errors=True)
