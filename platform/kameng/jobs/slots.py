"""Slots of periodic jobs in PostgreSQL: any number of schedulers, one of them runs each slot."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import text

from kameng.db import db, main_scope
from kameng.jobs.registry import PeriodicSpec

# Not while an earlier slot of the job is still at work, and again when its runner has died.
_CLAIM = text(
    "INSERT INTO job_slot(job, scheduled_for, claimed_at)"
    " SELECT :job, :slot, clock_timestamp() WHERE NOT EXISTS (SELECT FROM job_slot"
    "  WHERE job = :job"
    "  AND scheduled_for > CAST(:slot AS timestamptz) - 2 * make_interval(secs => :lease)"
    "  AND done_at IS NULL AND claimed_at > clock_timestamp() - make_interval(secs => :lease))"
    " ON CONFLICT (job, scheduled_for) DO UPDATE SET claimed_at = clock_timestamp()"
    "  WHERE job_slot.done_at IS NULL"
    "  AND job_slot.claimed_at <= clock_timestamp() - make_interval(secs => :lease)"
    " RETURNING job"
)
_DONE = text(
    "UPDATE job_slot SET done_at = clock_timestamp(), error = :error"
    " WHERE job = :job AND scheduled_for = :slot"
)
# The newest slot of a job stays: it says that this period's run has been done.
_PRUNE = text(
    "DELETE FROM job_slot s WHERE s.scheduled_for < now() - interval '1 hour'"
    " AND (s.error IS NULL OR s.scheduled_for < now() - interval '7 days')"
    " AND EXISTS (SELECT FROM job_slot n WHERE n.job = s.job AND n.scheduled_for > s.scheduled_for)"
)


def slot_at(spec: PeriodicSpec, now_s: float) -> datetime:
    """The slot that holds at a moment (seconds since the epoch)."""
    start = math.floor((now_s - spec.offset_s) / spec.seconds) * spec.seconds + spec.offset_s
    return datetime.fromtimestamp(start, UTC)


def claim(app: Flask, spec: PeriodicSpec, slot: datetime) -> bool:
    """Take a slot; False when another scheduler has it."""
    with app.app_context(), main_scope(reason="claim a slot"):
        given = {"job": spec.name, "slot": slot, "lease": spec.lease_s}
        won = db.session.execute(_CLAIM, given).first() is not None
        db.session.commit()
        return won


def finish(app: Flask, spec: PeriodicSpec, slot: datetime, error: str | None) -> None:
    """Note that the slot's run has ended, and how."""
    with app.app_context(), main_scope(reason="finish a slot"):
        db.session.execute(_DONE, {"job": spec.name, "slot": slot, "error": error})
        db.session.commit()


def prune_slots() -> None:
    """Delete slots that say nothing any more; in the open main scope."""
    db.session.execute(_PRUNE)
    db.session.commit()
