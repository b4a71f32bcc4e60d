"""From the outbox to the workers: relay what is new, send again what got lost, prune the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Flask
from sqlalchemy import Row, text

from kameng.db import call, db, main_scope
from kameng.jobs import inflight
from kameng.jobs.broker import broker_of, enqueue
from kameng.jobs.registry import ActorSpec, actors, subscribers

BATCH = 200
SWEEP_AFTER_S = 60
KEEP_HOURS = 2

# Late commits fill gaps of the id sequence, so "not sent" is asked for and never "id greater than".
_UNSENT = text(
    "SELECT id, station_id, topic, payload FROM outbox WHERE sent_at IS NULL"
    " ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED"
)
# A mark that a crash of the server takes back is a message sent twice, as when the relay dies just
# before its commit: no reason to wait for the disk, on which purchases wait.
_SENT = text(
    "WITH lazily AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"
    " UPDATE outbox SET sent_at = now() FROM lazily WHERE id = ANY(:ids)"
)
_UNHANDLED = text(
    "SELECT o.id, o.station_id, o.payload, s.actor FROM outbox o"
    " JOIN unnest(CAST(:topics AS text[]), CAST(:actors AS text[])) AS s(topic, actor)"
    " ON s.topic = o.topic"
    " WHERE o.sent_at < now() - make_interval(secs => :after_s) AND (o.id, s.actor) > (:id, :actor)"
    " AND NOT EXISTS (SELECT FROM outbox_done d WHERE d.outbox_id = o.id AND d.actor = s.actor)"
    " ORDER BY o.id, s.actor LIMIT :batch"
)
_PRUNE = text(
    "WITH old AS (SELECT id, topic FROM outbox"
    " WHERE sent_at < now() - make_interval(hours => :hours) ORDER BY id LIMIT 5000),"
    " gone AS (DELETE FROM outbox o USING old WHERE o.id = old.id"
    " AND NOT EXISTS (SELECT FROM unnest(CAST(:topics AS text[]), CAST(:actors AS text[]))"
    "   AS s(topic, actor) WHERE s.topic = old.topic AND NOT EXISTS (SELECT FROM outbox_done d"
    "   WHERE d.outbox_id = old.id AND d.actor = s.actor)) RETURNING o.id)"
    " DELETE FROM outbox_done d USING gone WHERE d.outbox_id = gone.id"
)


def waiting(app: Flask) -> bool:
    """Whether a message waits to be sent: one short question outside any transaction."""
    with app.app_context():
        return bool(call("outbox_waits", as_main=True)["waits"])


def relay_batch(app: Flask) -> int:
    """Send up to a batch of new messages to their subscribers; returns how many rows were done.

    Raises redis errors (nothing is marked as sent then) and database errors.
    """
    with app.app_context(), main_scope(reason="outbox relay"):
        rows = db.session.execute(_UNSENT, {"batch": BATCH}).all()
        if not rows:
            return 0
        _dispatch(app, [(spec, row) for row in rows for spec in subscribers(row.topic)])
        db.session.execute(_SENT, {"ids": [row.id for row in rows]})
        db.session.commit()
        return len(rows)


def sweep(app: Flask, *, after_s: float = SWEEP_AFTER_S) -> int:
    """Send again what was sent over `after_s` seconds ago, is not handled and not on its way."""
    wanted = _subscriptions()
    position: dict[str, Any] = {"id": 0, "actor": ""}
    again = 0
    with app.app_context(), main_scope(reason="outbox sweeper"):
        while True:
            given = {**wanted, **position, "after_s": after_s, "batch": BATCH}
            rows = db.session.execute(_UNHANDLED, given).all()
            again += _send_lost(app, rows)
            db.session.commit()
            if len(rows) < BATCH:
                return again
            position = {"id": rows[-1].id, "actor": rows[-1].actor}


def prune(app: Flask, *, keep_hours: int = KEEP_HOURS) -> int:
    """Delete messages that every subscriber has handled, with their marks."""
    with app.app_context(), main_scope(reason="outbox prune"):
        result = db.session.execute(_PRUNE, {**_subscriptions(), "hours": keep_hours})
        db.session.commit()
        return int(getattr(result, "rowcount", 0))


def _send_lost(app: Flask, rows: Sequence[Row[Any]]) -> int:
    known = actors()
    flying = inflight.flying([(row.id, row.actor) for row in rows])
    lost = [
        (known[row.actor], row)
        for row, on_its_way in zip(rows, flying, strict=True)
        if not on_its_way
    ]
    if lost:
        _dispatch(app, lost)
        db.session.execute(_SENT, {"ids": sorted({row.id for _spec, row in lost})})
    return len(lost)


def _dispatch(app: Flask, wanted: Sequence[tuple[ActorSpec, Row[Any]]]) -> None:
    inflight.launch((row.id, spec.name) for spec, row in wanted)
    broker = broker_of(app)
    for spec, row in wanted:
        enqueue(broker, spec, (row.id, row.station_id, row.payload))


def _subscriptions() -> dict[str, list[str]]:
    specs = [spec for spec in actors().values() if spec.topic]
    return {"topics": [spec.topic for spec in specs], "actors": [spec.name for spec in specs]}
