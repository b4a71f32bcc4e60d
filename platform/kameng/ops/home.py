"""The state folder: where it lies, what is in it, and who holds it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kameng.ops.errors import OpsError

CHECKOUT = Path(__file__).resolve().parents[3]
PRIVATE = ("secrets", "logs", "run", "simulators", "mail")
SOCKET_LIMIT = 100  # a socket address holds 107 bytes; PostgreSQL's file name is part of it


@dataclass(frozen=True, slots=True)
class Home:
    """The state folder (``KAMENG_HOME``). Everything `kameng up` writes is below it."""

    root: Path

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def simulators(self) -> Path:
        return self.root / "simulators"

    @property
    def demo_info(self) -> Path:
        return self.root / "demo-info.json"

    @property
    def digest(self) -> str:
        """Short name of this folder, for state that cannot lie below it."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:12]

    def create(self) -> None:
        """Make the folder and its private parts. Raises `OpsError` when that is not possible."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for name in PRIVATE:
                private = self.root / name
                private.mkdir(mode=0o700, exist_ok=True)
                self._check_owner(private)
                private.chmod(0o700)
            with tempfile.TemporaryFile(dir=self.run):
                pass
        except OSError as error:
            raise OpsError(
                f"The state folder {self.root} cannot be written ({error.strerror}).",
                "Run as its owner, or choose another one with KAMENG_HOME.",
            ) from error

    def _check_owner(self, private: Path) -> None:
        # Root could go on, but its files would lock the owner out afterwards.
        owner = private.stat().st_uid
        if owner != os.geteuid():
            raise OpsError(
                f"The state folder {self.root} belongs to another account (user id {owner}).",
                "Run as that account, or choose another folder with KAMENG_HOME.",
            )


def find_home(environ: Mapping[str, str]) -> Home:
    """``KAMENG_HOME``, or ``var`` of this checkout, or ``var`` of the current folder."""
    given = environ.get("KAMENG_HOME")
    if given:
        return Home(Path(given).absolute())
    base = CHECKOUT if (CHECKOUT / "wsgi.py").is_file() else Path.cwd()
    return Home(base / "var")


def socket_folder(folder: Path, home: Home, name: str) -> Path:
    """`folder`, or a short one in the system's temporary folder when its path is too long."""
    if len(str(folder / ".s.PGSQL.5432.lock")) < SOCKET_LIMIT:
        return folder
    return Path("/tmp") / f"kameng-{home.digest}-{name}"


@contextmanager
def only_one(home: Home) -> Iterator[None]:
    """Hold the folder for as long as `kameng up` runs; the kernel lets go when it dies."""
    with (home.run / "up.lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            raise OpsError(
                f"Kameng is already running on {home.root} (process {handle.read().strip()}).",
                "Stop it first, or start a second one with KAMENG_HOME and KAMENG_PORT of its own.",
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
