"""Bring a copy back for good: a data folder that starts in recovery mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from kameng.ops.backup.methods import Method
from kameng.ops.backup.scratch import Target
from kameng.ops.errors import OpsError
from kameng.ops.postgres import Postgres
from kameng.ops.recovering.beginning import begin, last_moment
from kameng.ops.recovering.witness import Witness, seen_after, tell
from kameng.settings import Settings


@dataclass(frozen=True, slots=True)
class Restored:
    """Where it lies, which moment it knows last, and what is known of the time after it."""

    data: Path
    restored_to: datetime
    cards_aside: int = 0  # sold in the time that is forgotten: void now
    forgotten_payments: int = 0  # begun and paid in it: alerts now


def restore(method: Method, settings: Settings, at: datetime | None, into: Path) -> Restored:
    """Restore into a new folder and begin the recovery mode there. Raises `OpsError`."""
    folder = into.absolute()
    if folder.exists() and any(folder.iterdir()):
        raise OpsError(f"{folder} is not empty.", "Name a folder that does not exist yet.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = settings.database_url.partition("?")[0].rpartition("/")[2]
    _archive_the_rest(method, settings)
    known = Witness([], [])
    if at is not None:
        with method.copy(Target()) as end:
            known = seen_after(end.url(database), at)
    with method.copy(Target(at=at), folder) as server:
        url = server.url(database)
        moment = at or last_moment(url)
        begin(url, moment, method.name)
        aside = tell(url, known)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
    _clean(server)
    return Restored(server.data, moment, aside, len(known.payments))


def next_steps(restored: Restored, server: Postgres | None) -> Sequence[str]:
    """What to do with it, for a terminal."""
    data = server.data if server else "the server's data folder"
    return (
        f"restored to {restored.restored_to.isoformat(sep=' ', timespec='seconds')}",
        f"it lies in   {restored.data}",
        f"set aside    {restored.cards_aside} cards that were sold since",
        f"forgotten    {restored.forgotten_payments} payments, each an alert of the console",
        "",
        "Bring it into service:",
        f"  1. stop `kameng up`;  2. move {data} away and keep it;",
        f"  3. move {restored.data} to {data};  4. start `kameng up`;  5. `kameng backup now`.",
        "It starts in recovery mode: nothing is sold or delivered until all channels are asked.",
        "`kameng recovery status` and the console say how far that is.",
    )


def _archive_the_rest(method: Method, settings: Settings) -> None:
    """What the server has not archived yet, if it still runs; else up to a minute lacks."""
    try:
        with psycopg.connect(settings.database_url, connect_timeout=3):
            pass
    except psycopg.OperationalError:
        return
    method.finish_segment()


def _clean(server: Postgres) -> None:
    """Only the data are moved; what the trial server had beside them goes."""
    for name in ("postmaster.opts", "recovery.done"):
        (server.data / name).unlink(missing_ok=True)
