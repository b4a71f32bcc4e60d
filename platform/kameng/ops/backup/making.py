"""A base backup of the embedded server: taken, verified, sealed, and only then counted."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from kameng.ops.backup import spool
from kameng.ops.backup.repository import DRAFT, Base, Repository
from kameng.ops.backup.verifying import read_manifest, verify
from kameng.ops.errors import OpsError
from kameng.ops.postgres import Postgres

FILES = ("base.tar", "pg_wal.tar", "backup_manifest")
ARCHIVED_WITHIN_S = 120
ROOM = 2.2  # the copy lies beside its sealed form for a moment


def make_base(server: Postgres, repository: Repository, keep: int) -> Base:
    """Take a base backup and forget old ones; the caller is alone. Raises `OpsError` in words."""
    repository.create()
    _tidy(repository)
    _require_room(server, repository)
    label = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    draft = repository.bases / f".{label}{DRAFT}"
    draft.mkdir(mode=0o700)
    try:
        base = _make(server, repository, label, draft)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    finish_segment(server, repository)
    repository.forget_old(keep)
    return base


def _make(server: Postgres, repository: Repository, label: str, draft: Path) -> Base:
    started, plain = datetime.now(UTC), draft / "plain"
    _program(
        server, "pg_basebackup", "-d", server.url("postgres"), "-D", str(plain), "-Ft",
        "-X", "stream", "-c", "fast", "--no-password", "--manifest-checksums=SHA256",
    )  # fmt: skip
    finished = datetime.now(UTC)
    manifest = read_manifest(plain / "backup_manifest")
    verify(plain / "base.tar", manifest)
    # Sealed below the final name, which is bound to the content.
    kept = Repository(draft / "kept", repository.key)
    size = 0
    for name in FILES:
        size += kept.keep_file(f"base/{label}/{name}", plain / name)
        (plain / name).unlink()
    base = Base(
        label=label, system=spool.system_of(server), first_wal=manifest.first_wal,
        started_at=started.isoformat(), finished_at=finished.isoformat(), size=size,
        database_size=manifest.size,
    )  # fmt: skip
    repository.add_base(draft / "kept" / "base" / label, base)
    return base


def finish_segment(server: Postgres, repository: Repository) -> str:
    """Have the segment being written archived, and wait for it; returns its name."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        # A segment without any record would not be switched: there is one for certain now.
        name = _one(connection, "SELECT pg_walfile_name(pg_create_restore_point('kameng-end'))")
        connection.execute("SELECT pg_switch_wal()")
    wait_for(lambda: _stored(server, repository, name), ARCHIVED_WITHIN_S, f"WAL {name}")
    return name


def _stored(server: Postgres, repository: Repository, name: str) -> bool:
    # The scheduler may be at it, and holds the lock then.
    try:
        spool.store(server, repository)
    except OpsError as error:
        if "at work" not in str(error):
            raise
    return repository.path(f"wal/{spool.system_of(server)}/{name}").exists()


def wait_for(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask again and again; raises `OpsError` when the time is over."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise OpsError(
                f"{what} was not archived within {seconds:.0f} s.",
                "The server's log says why archiving fails; is it started by `kameng up`?",
            )
        time.sleep(0.1)


def _tidy(repository: Repository) -> None:
    """What killed runs have left; nobody else is at work."""
    for draft in repository.bases.glob(f".*{DRAFT}"):
        shutil.rmtree(draft)


def _require_room(server: Postgres, repository: Repository) -> None:
    with psycopg.connect(server.url("postgres")) as connection:
        query = "SELECT coalesce(sum(pg_database_size(oid)), 0)::bigint FROM pg_database"
        needed = int(int(_one(connection, query)) * ROOM)
    free = shutil.disk_usage(repository.folder).free
    if free < needed:
        has, needs = f"{free // 2**20} MB", f"{needed // 2**20} MB"
        raise OpsError(
            f"{repository.folder} has {has} free; a backup needs {needs}.",
            "Make room, or name another disk with KAMENG_BACKUP_FOLDER.",
        )


def _program(server: Postgres, name: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(server.programs / name), *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise OpsError(f"{name} failed:\n{last}")


def _one(connection: psycopg.Connection[Any], query: str) -> str:
    row = connection.execute(query.encode()).fetchone()
    return str(row[0]) if row else ""
