"""Which way backups go in this installation: our own on the embedded server, or pgBackRest."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import psycopg

from kameng.ops import postgres
from kameng.ops.account import OURSELVES, server_account
from kameng.ops.backup import making, repository, scratch
from kameng.ops.backup.pgbackrest import PgBackRest
from kameng.ops.backup.repository import Base, Repository
from kameng.ops.backup.scratch import Target
from kameng.ops.backup.spool import system_of
from kameng.ops.errors import OpsError
from kameng.ops.home import Home
from kameng.ops.postgres import Postgres, server_at
from kameng.settings import Settings


class Method(Protocol):
    """What the commands need of either way."""

    @property
    def name(self) -> str:
        """`embedded` or `pgbackrest`."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Nobody else backs up or drills meanwhile; raises `OpsError` when somebody does."""
        ...

    def make(self) -> Base:
        """A new base backup."""
        ...

    def list_bases(self) -> list[Base]:
        """Backups, oldest first."""
        ...

    def newest_wal_at(self) -> datetime | None:
        """When a segment was archived last."""
        ...

    def finish_segment(self) -> None:
        """What was written until now is in the archive when this returns."""
        ...

    def copy(self, target: Target, folder: Path | None = None) -> AbstractContextManager[Postgres]:
        """A server on a restored copy, in `folder` or else removed afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """pg_basebackup and archived WAL of the server that `kameng up` runs."""

    server: Postgres
    repository: Repository
    keep: int
    name: str = "embedded"

    def alone(self) -> AbstractContextManager[None]:
        """Nobody else backs up or drills meanwhile."""
        return self.repository.alone("backup")

    def make(self) -> Base:
        """A new base backup; old ones are forgotten."""
        return making.make_base(self.server, self.repository, self.keep)

    def list_bases(self) -> list[Base]:
        """Backups, oldest first."""
        return self.repository.list_bases()

    def newest_wal_at(self) -> datetime | None:
        """When a segment was archived last."""
        try:
            found = self.repository.newest_wal(system_of(self.server))
        except FileNotFoundError:  # no server lies here yet: the folder was brought from elsewhere
            return None
        return found[1] if found else None

    def finish_segment(self) -> None:
        """What was written until now is in the archive when this returns."""
        making.finish_segment(self.server, self.repository)

    @contextmanager
    def copy(self, target: Target, folder: Path | None = None) -> Iterator[Postgres]:
        """A server on a restored copy; without a folder it is a trial and removed."""
        base = self.repository.newest(target.at)
        server = scratch.beside(self.server, folder)
        if folder is None:
            scratch.remove_left_over(self.server)
        elif not server.account.can_enter(folder.parent):
            raise OpsError(
                f"The account that runs PostgreSQL cannot enter {folder.parent}.",
                f"Name a folder below {self.server.folder}.",
            )
        options = {"fsync": "off"} if folder is None else {}
        try:
            with scratch.restored(self.repository, base, server, target, options):
                yield server
        finally:
            if folder is None:
                shutil.rmtree(server.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class ByPgBackRest:
    """The operator's own server and pgBackRest, on the database's machine."""

    url: str
    tool: PgBackRest
    work: Path
    name: str = "pgbackrest"

    def alone(self) -> AbstractContextManager[None]:
        """Nobody else backs up or drills from here meanwhile."""
        return repository.alone(self.work / ".backup.lock", self.work)

    def make(self) -> Base:
        """A new backup as pgBackRest is configured; it forgets old ones itself."""
        self.tool.back_up()
        return self.list_bases()[-1]

    def list_bases(self) -> list[Base]:
        """Backups, oldest first."""
        return self.tool.list_bases()

    def newest_wal_at(self) -> datetime | None:
        """When the server last had a segment archived."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT last_archived_time FROM pg_stat_archiver").fetchone()
        return row[0] if row else None

    def finish_segment(self) -> None:
        """What was written until now is in the archive when this returns."""
        self.tool.check()

    @contextmanager
    def copy(self, target: Target, folder: Path | None = None) -> Iterator[Postgres]:
        """A server on a restored copy; pgBackRest itself fetches the WAL."""
        place = folder or Path(tempfile.mkdtemp(prefix="kameng-scratch-", dir=self.work))
        try:
            data = place / "data"
            data.mkdir(mode=0o700)
            self.tool.restore(data, target)
            options = {} if folder else {"fsync": "off"}
            with scratch.running(self._server(place, data), options) as server:
                yield server
        finally:
            if folder is None:
                shutil.rmtree(place, ignore_errors=True)

    def _server(self, place: Path, data: Path) -> Postgres:
        account = server_account(data)
        sockets = scratch.beside(Postgres(place, place, place, OURSELVES), place).sockets
        return Postgres(
            place, _programs((data / "PG_VERSION").read_text().strip()), sockets, account
        )


def method_of(settings: Settings) -> Method:
    """The way of this installation; raises `OpsError` when there is none."""
    if settings.backup_stanza:
        settings.home.mkdir(parents=True, exist_ok=True)
        tool = PgBackRest(settings.backup_stanza)
        return ByPgBackRest(settings.database_url, tool, settings.home.absolute())
    server = server_at(Home(settings.home.absolute()), settings.database_url)
    if server is None:
        raise OpsError(
            "KAMENG_DATABASE_URL names a server of your own, and no pgBackRest is configured.",
            "Set up pgBackRest there and name its stanza in KAMENG_BACKUP_STANZA.",
        )
    return Embedded(server, repository.of_settings(settings), settings.backup_keep)


def _programs(major: str) -> Path:
    """PostgreSQL's programs of a version: the system's, or the embedded ones."""
    system = Path(f"/usr/lib/postgresql/{major}/bin")
    if (system / "postgres").exists():
        return system
    if major == str(postgres.MAJOR):
        return postgres.installed_programs()
    raise OpsError(
        f"The backup is of PostgreSQL {major}, whose programs are not installed here.",
        f"Install postgresql-{major}: the copy is tried out on a server of that version.",
    )
