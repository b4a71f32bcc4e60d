"""A restored copy of the cluster on a server of its own, reachable by its own socket alone."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from kameng.ops.account import private_folder
from kameng.ops.backup.repository import Base, Repository
from kameng.ops.backup.sealed import Opened
from kameng.ops.embedded import clear_postgres, postgres_service
from kameng.ops.errors import OpsError
from kameng.ops.home import SOCKET_LIMIT
from kameng.ops.postgres import Postgres
from kameng.ops.supervisor import Supervisor

# The server asks for a segment and waits; the process that holds the key lays it there, or says
# that there is none. 126 ends the recovery: a damaged archive must not look like its end.
ASK = (
    ": > {wal}/%f.want && while ! test -e {wal}/%f.done; do"
    " if test -e {wal}/failed; then exit 126; fi; sleep 0.02; done;"
    " mv {wal}/%f.done {wal}/%f.told; test -e {wal}/%f && mv {wal}/%f %p"
)
READY_WITHIN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Target:
    """How far to go: a marked point, a moment, or (neither) all that is archived."""

    name: str = ""
    at: datetime | None = None

    def options(self) -> dict[str, str]:
        """Options of the server for it."""
        if self.name:
            return {"recovery_target_name": self.name, "recovery_target_action": "promote"}
        if self.at is not None:
            moment = self.at.isoformat(sep=" ")
            return {"recovery_target_time": moment, "recovery_target_action": "promote"}
        return {}


def unpack(repository: Repository, base: Base, server: Postgres) -> None:
    """Lay a base backup into the server's folder, ready for recovery."""
    private_folder(server.folder, server.account)
    for name, folder in (("base.tar", server.data), ("pg_wal.tar", server.data / "pg_wal")):
        folder.mkdir(mode=0o700, exist_ok=True)
        stream = Opened(repository.pieces(f"base/{base.label}/{name}"))
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            # Python 3.11.4 began to look at names. Before that the seal must do: only we can have
            # written what opens with our key, and we wrote what pg_basebackup gave.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(folder)
        while stream.read(65536):  # to the very end, where it is proven whole
            pass
    (server.data / "recovery.signal").touch(mode=0o600)
    for root, folders, files in os.walk(server.data):
        server.account.own(Path(root) / name for name in (*folders, *files))
    server.account.own([server.data])
    server.data.chmod(0o700)


class Feeder:
    """Gives a recovering server the segments it asks for."""

    def __init__(self, repository: Repository, system: str, server: Postgres) -> None:
        self._repository, self._system, self._server = repository, system, server
        self.folder = server.folder / "wal"
        self.failure: OpsError | None = None
        self.given = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="wal-feeder", daemon=True)

    def __enter__(self) -> Feeder:
        private_folder(self.folder, self._server.account)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def command(self) -> str:
        """The server's `restore_command`."""
        return ASK.format(wal=shlex.quote(str(self.folder)))

    def _work(self) -> None:
        while not self._over.wait(0.01):
            for want in self.folder.glob("*.want"):
                want.unlink(missing_ok=True)
                try:
                    self._give(want.stem)
                except (OpsError, OSError) as error:
                    self.failure = error if isinstance(error, OpsError) else OpsError(str(error))
                    (self.folder / "failed").touch()
                    return

    def _give(self, name: str) -> None:
        draft = self.folder / f".{name}"
        with suppress(FileNotFoundError):
            with draft.open("wb") as out:
                for piece in self._repository.pieces(f"wal/{self._system}/{name}"):
                    out.write(piece)
            self._server.account.own([draft])
            draft.rename(self.folder / name)
            self.given += 1
        draft.unlink(missing_ok=True)
        (self.folder / f"{name}.done").touch()


@contextmanager
def restored(
    repository: Repository, base: Base, server: Postgres, target: Target,
    options: Mapping[str, str],
) -> Iterator[Postgres]:  # fmt: skip
    """A server on the restored copy, writable, stopped at the end. Raises `OpsError`."""
    unpack(repository, base, server)
    with Feeder(repository, base.system, server) as feeder:
        given = {"restore_command": feeder.command, **target.options(), **options}
        try:
            with running(server, given):
                yield server
        except OpsError as error:
            raise feeder.failure or error from None


@contextmanager
def running(server: Postgres, options: Mapping[str, str]) -> Iterator[Postgres]:
    """The server until the end of the block; ready means: recovery is over."""
    logs = server.folder / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    private_folder(server.sockets, server.account)
    supervisor = Supervisor(logs, say=lambda _text: None)
    quiet = {"archive_mode": "off", "hot_standby": "off", "shared_buffers": "64MB", **options}
    try:
        supervisor.start(replace(postgres_service(server, **quiet), ready_timeout_s=READY_WITHIN_S))
        yield server
    finally:
        supervisor.stop()
        clear_postgres(server)
        if server.sockets != server.folder:
            shutil.rmtree(server.sockets, ignore_errors=True)


def beside(server: Postgres, folder: Path | None = None) -> Postgres:
    """A server like this one in another folder, by default a new one below its own."""
    folder = folder or server.folder / f"scratch-{secrets.token_hex(4)}"
    sockets = folder
    if len(str(folder / ".s.PGSQL.5432.lock")) >= SOCKET_LIMIT:
        sockets = Path(tempfile.gettempdir()) / f"kameng-{secrets.token_hex(6)}-pg"
    return Postgres(folder, server.programs, sockets, server.account)


def remove_left_over(server: Postgres) -> None:
    """Copies that a killed drill has left: they are as large as the database."""
    for folder in server.folder.glob("scratch-*"):
        clear_postgres(Postgres(folder, server.programs, folder, server.account))
        shutil.rmtree(folder, ignore_errors=True)
