"""A restored database is told so before anything else runs on it. As its owner."""

from __future__ import annotations

from datetime import datetime

import psycopg
from psycopg import sql

from kameng.db.roles import GUARD_ROLE
from kameng.ops.errors import OpsError

# Numbers that gateways and people may know were made from ids given out after the restore point.
# Ids are lifted above all of them; 12 digits of a withdrawal's number still have room for it.
LIFT = 10_000_000


def begin(url: str, restored_to: datetime, source: str) -> bool:
    """Begin the recovery mode of a database; False when it lasts already. Raises `OpsError`."""
    with psycopg.connect(url) as connection:
        there = connection.execute("SELECT to_regclass('recovery') IS NOT NULL").fetchone()
        if not there or not there[0]:
            raise OpsError(
                "This database is older than the recovery mode.",
                "Run `kameng migrate` on it, then `kameng recovery begin`.",
            )
        # The owner has handed the functions over; it may act as who has them now.
        connection.execute(f"SET ROLE {GUARD_ROLE}".encode())
        row = connection.execute(
            "SELECT code FROM begin_recovery(%s, %s)", (restored_to, source)
        ).fetchone()
        connection.execute("RESET ROLE")
        fresh = bool(row and row[0] == "ok")
        if fresh:
            _lift_ids(connection)
        return fresh


def last_moment(url: str) -> datetime:
    """The newest moment that a restored database knows of: when something was committed last."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT max(at) FROM (SELECT max(at) AS at FROM order_event"
            " UNION ALL SELECT max(created_at) FROM outbox UNION ALL SELECT max(at) FROM transfer"
            " UNION ALL SELECT max(claimed_at) FROM job_slot) newest"
        ).fetchone()
    if row is None or row[0] is None:
        raise OpsError("The restored database has no event to tell its time by.", "Use --to TIME.")
    found: datetime = row[0]
    return found


def _lift_ids(connection: psycopg.Connection) -> None:
    names = connection.execute(
        "SELECT sequencename, coalesce(last_value, start_value) FROM pg_sequences"
        " WHERE schemaname = 'public' AND data_type = 'bigint'::regtype"
    ).fetchall()
    for name, value in names:
        lifted = sql.SQL("SELECT setval({}, {})").format(
            sql.Literal(str(sql.Identifier(name).as_string(connection))), sql.Literal(value + LIFT)
        )
        connection.execute(lifted)
