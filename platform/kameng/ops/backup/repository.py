"""The repository: base backups and archived WAL as sealed files, written whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from kameng.ops.backup import sealed
from kameng.ops.errors import OpsError
from kameng.settings import Settings

SUFFIX = ".sealed"
DRAFT = ".draft"


class OtherContent(OpsError):
    """The archive has a file of this name with other content: it is never overwritten."""


@dataclass(frozen=True, slots=True)
class Base:
    """One base backup. `first_wal` is the oldest segment a restore of it needs."""

    label: str
    system: str
    first_wal: str
    started_at: str
    finished_at: str
    size: int  # bytes in the repository
    database_size: int  # bytes of the data folder

    @property
    def finished(self) -> datetime:
        """When it was complete; earlier moments cannot be restored from it."""
        return datetime.fromisoformat(self.finished_at)


@dataclass(frozen=True, slots=True)
class Repository:
    """A folder and the key to what lies in it."""

    folder: Path
    key: bytes

    def create(self) -> None:
        """Make the folders, closed to others; raises `OpsError` when that is not possible."""
        try:
            for part in (self.folder, self.bases, self.wal):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise OpsError(
                f"The backup folder {self.folder} cannot be written ({error.strerror}).",
                "Give it to this account, or choose another one with KAMENG_BACKUP_FOLDER.",
            ) from error

    @property
    def bases(self) -> Path:
        return self.folder / "base"

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Nobody else does the same at the same time; raises `OpsError` when somebody does."""
        self.create()
        with alone(self.folder / f".{what}.lock", self.folder):
            yield

    def list_bases(self) -> list[Base]:
        """Complete base backups, oldest first."""
        found = []
        for about in sorted(self.bases.glob("[!.]*/about.json")):
            found.append(Base(**json.loads(about.read_text(encoding="utf-8"))))
        return sorted(found, key=lambda base: base.finished_at)

    def newest(self, until: datetime | None = None) -> Base:
        """The newest base from which a moment can be reached; raises `OpsError`."""
        fit = [base for base in self.list_bases() if until is None or base.finished <= until]
        if not fit:
            when = f" from before {until:%Y-%m-%d %H:%M:%S %Z}" if until else ""
            raise OpsError(
                f"There is no base backup{when} in {self.folder}.", "`kameng backup now`"
            )
        return fit[-1]

    def keep_file(self, name: str, source: Path) -> int:
        """Store a file under a name, for good once it returns; returns its stored size.

        The same content again is nothing new. Raises `OtherContent`.
        """
        target = self.path(name)
        if target.exists():
            if self.digest(name) != _digest(source):
                raise OtherContent(f"{name} is in the archive already, with other content.")
            return target.stat().st_size
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}{DRAFT}")
        draft.unlink(missing_ok=True)
        try:
            with source.open("rb") as plain, _private(draft) as out:
                size = sealed.seal(plain, out, self.key, name)
                out.flush()
                os.fsync(out.fileno())
            os.link(draft, target)  # unlike a rename this never replaces
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(target.parent)
        return size

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a stored file; raises `SealBroken`, or `FileNotFoundError`."""
        with self.path(name).open("rb") as stream:
            yield from sealed.unseal(stream, self.key, name)

    def digest(self, name: str) -> str:
        """SHA-256 of what was stored."""
        digest = hashlib.sha256()
        for piece in self.pieces(name):
            digest.update(piece)
        return digest.hexdigest()

    def path(self, name: str) -> Path:
        """Where a file lies."""
        return self.folder / f"{name}{SUFFIX}"

    def add_base(self, draft: Path, base: Base) -> None:
        """A base counts from here on."""
        about = draft / "about.json"
        with _private(about) as out:
            out.write(json.dumps(asdict(base), indent=1).encode())
            out.flush()
            os.fsync(out.fileno())
        draft.rename(self.bases / base.label)
        _sync_folder(self.bases)

    def newest_wal(self, system: str) -> tuple[str, datetime] | None:
        """The segment that was archived last, and when."""
        files = [f for f in (self.wal / system).glob("[!.]*" + SUFFIX) if len(f.stem) == 24]
        if not files:
            return None
        last = max(files, key=lambda file: file.stat().st_mtime)
        return last.stem, datetime.fromtimestamp(last.stat().st_mtime, UTC)

    def forget_old(self, keep: int) -> int:
        """Remove bases beyond the newest `keep`, and unneeded WAL; returns files removed."""
        bases = self.list_bases()
        for base in bases[: -max(keep, 1)]:
            shutil.rmtree(self.bases / base.label)
        kept = bases[-max(keep, 1) :]
        removed = 0
        for folder in self.wal.iterdir():
            needed = [base.first_wal[8:] for base in kept if base.system == folder.name]
            for file in folder.glob("[!.]*" + SUFFIX) if needed else ():
                if len(file.stem) == 24 and file.stem[8:] < min(needed):
                    file.unlink()
                    removed += 1
        return removed

    def size(self) -> int:
        """Bytes in the repository."""
        return sum(file.stat().st_size for file in self.folder.rglob("*" + SUFFIX))


@contextmanager
def alone(lock: Path, place: Path) -> Iterator[None]:
    """Hold a lock; raises `OpsError` when another process has it."""
    with lock.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OpsError(f"Another process is at work on {place}.") from None
        yield


def of_settings(settings: Settings) -> Repository:
    """The repository of an installation; raises `OpsError` without a key."""
    folder = Path(settings.backup_folder) if settings.backup_folder else settings.home / "backups"
    return Repository(folder.absolute(), sealed.read_key(settings.backup_key))


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
