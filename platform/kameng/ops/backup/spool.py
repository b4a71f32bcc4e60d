"""WAL on its way into the repository: the server fills a spool, we seal and store what lies there.

As root we start the server under another account, which can read neither our key nor our Python:
so `archive_command` is plain shell, and what needs the key happens in our own process.
"""

from __future__ import annotations

import logging
import os
import shlex
import shutil
from pathlib import Path

from kameng.ops.backup.repository import OtherContent, Repository
from kameng.ops.postgres import Postgres

# The scheduler empties the spool every five seconds, so that a minute is the most that is lost.
ARCHIVE_TIMEOUT_S = 50
SCRIPT = (
    "if test -e {spool}/%f; then cmp -s %p {spool}/%f; else"
    " cp %p {spool}/.%f && sync {spool}/.%f && mv {spool}/.%f {spool}/%f && sync {spool}; fi"
)

log = logging.getLogger("kameng.backup")


def spool_of(server: Postgres) -> Path:
    """Where the server lays what is to be archived."""
    return server.folder / "archive"


def archiving(server: Postgres) -> dict[str, str]:
    """Options with which the server archives; the spool is made."""
    spool = spool_of(server)
    spool.mkdir(mode=0o700, exist_ok=True)
    server.account.own([spool])
    _lay_out_histories(server, spool)
    return {
        "archive_mode": "on",
        "archive_timeout": str(ARCHIVE_TIMEOUT_S),
        "archive_command": SCRIPT.format(spool=shlex.quote(str(spool))),
    }


def _lay_out_histories(server: Postgres, spool: Path) -> None:
    """Time lines that this cluster has taken: a restored one took its own while nothing archived.

    The archive must know them, else the next restore would take the same number once more.
    """
    for history in (server.data / "pg_wal").glob("*.history"):
        draft = spool / f".{history.name}"
        shutil.copyfile(history, draft)
        server.account.own([draft])
        draft.rename(spool / history.name)


def system_of(server: Postgres) -> str:
    """The cluster's own number: WAL of two clusters has the same names."""
    with (server.data / "global" / "pg_control").open("rb") as stream:
        return str(int.from_bytes(stream.read(8), "little"))


def store(server: Postgres, repository: Repository) -> int:
    """Move what lies in the spool into the repository; returns how many files.

    Raises `OtherContent`; what could not be stored stays where it is.
    """
    spool, system = spool_of(server), system_of(server)
    moved = 0
    if not any(_ready(spool)):
        return 0
    with repository.alone("wal"):
        for file in _ready(spool):
            try:
                repository.keep_file(f"wal/{system}/{file.name}", file)
            except OtherContent:
                log.error("%s is archived already with other content; it stays in the spool", file)
                raise
            os.unlink(file)
            moved += 1
    return moved


def _ready(spool: Path) -> list[Path]:
    found = spool.iterdir() if spool.is_dir() else ()
    return sorted(file for file in found if not file.name.startswith("."))
