"""What was done, as rows of the database: the console and the alerts read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import psycopg

Kind = Literal["backup", "drill"]


@dataclass(slots=True)
class Run:
    """One run while it lasts; what is set here is written at its end."""

    label: str = ""
    size: int = 0
    detail: dict[str, Any] = field(default_factory=dict)


@contextmanager
def noted(url: str, kind: Kind, method: str) -> Iterator[Run]:
    """Note a run as begun, and how it ended. As the owner; errors go on."""
    with psycopg.connect(url, autocommit=True) as connection:
        # One at a time runs: what still stands there as running was killed.
        connection.execute(
            "UPDATE backup_run SET state = 'failed', finished_at = now(), error = 'interrupted'"
            " WHERE state = 'running' AND kind = %s",
            (kind,),
        )
        row = connection.execute(
            "INSERT INTO backup_run(kind, method) VALUES (%s, %s) RETURNING id", (kind, method)
        ).fetchone()
    number, run = (row[0] if row else 0), Run()
    try:
        yield run
    except BaseException as error:
        words = str(error).splitlines()
        _finish(url, number, run, "failed", words[0] if words else type(error).__name__)
        raise
    _finish(url, number, run, "succeeded", "")


def _finish(url: str, number: int, run: Run, state: str, error: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE backup_run SET state = %s, finished_at = clock_timestamp(), label = %s,"
            " bytes = %s, detail = %s, error = %s WHERE id = %s",
            (state, run.label, run.size, json.dumps(run.detail), error[:300], number),
        )


def note_status(
    url: str, method: str, newest_wal_at: Any, bases: Sequence[Mapping[str, Any]]
) -> None:
    """Note what lies in the repository now. As the owner."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO backup_status(id, method, newest_wal_at, bases) VALUES (1, %s, %s, %s)"
            " ON CONFLICT (id) DO UPDATE SET method = EXCLUDED.method,"
            " newest_wal_at = EXCLUDED.newest_wal_at, bases = EXCLUDED.bases, seen_at = now()",
            (method, newest_wal_at, json.dumps(bases)),
        )
