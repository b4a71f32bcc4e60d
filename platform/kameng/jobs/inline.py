"""Work the outbox off in this very process: for tests, demo data and commands without a worker."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import text

from kameng.db import db, main_scope
from kameng.jobs import runner
from kameng.jobs.registry import subscribers

_UNSENT = text(
    "SELECT id, station_id, topic, payload FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT 200"
)
_SENT = text("UPDATE outbox SET sent_at = now() WHERE id = :id")


def drain(limit: int = 100_000) -> int:
    """Handle unsent messages until there are none; returns how many rows were handled.

    Needs an application context and no open transaction. Raises `ActorFailed` at once.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's proxy
    handled = 0
    while handled < limit:
        with main_scope(reason="drain the outbox"):
            rows = db.session.execute(_UNSENT).all()
        if not rows:
            break
        for row in rows:
            for spec in subscribers(row.topic):
                runner.handle(app, spec, row.id, row.station_id, row.payload)
            with main_scope(reason="drain the outbox"):
                db.session.execute(_SENT, {"id": row.id})
                db.session.commit()
            handled += 1
    return handled
