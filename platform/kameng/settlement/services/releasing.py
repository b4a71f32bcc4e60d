"""Margins become available when their time has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from kameng.db import db, run

BATCH = 200  # rows of one station in one transaction


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be released: due already, and all of it (scale 4)."""

    due: int
    due_amount: int
    oldest_due_at: datetime | None
    pending: int
    pending_amount: int


_BACKLOG = text("""
    SELECT count(*) FILTER (WHERE due_at <= now()) AS due,
           coalesce(sum(margin - returned) FILTER (WHERE due_at <= now()), 0)::bigint AS due_amount,
           min(due_at) FILTER (WHERE due_at <= now()) AS oldest_due_at, count(*) AS pending,
           coalesce(sum(margin - returned), 0)::bigint AS pending_amount
      FROM settlement WHERE state = 'pending'
""")


def release_due(rounds: int = 200) -> int:
    """Release all that is due, one station and one transaction at a time; returns how many.

    Main scope. Any number may run at the same time: rows in other hands are passed over.
    """
    released = 0
    for _round in range(rounds):
        rows = run("release_settlements", p_limit=BATCH)
        db.session.commit()
        if not rows:
            break
        released += int(rows[0]["released"])
    return released


def backlog() -> Backlog:
    """What the job has before it (main scope)."""
    return Backlog(**db.session.execute(_BACKLOG).mappings().one())
