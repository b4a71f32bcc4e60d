"""Which deliveries are due, and whose turn a try is. Nothing is sent before that is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db, station_scope
from kameng.webhooks.domain.outgoing import DeliveryFacts
from kameng.webhooks.services.formats import schedule_of

LEASE_S = 60  # longer than a try: who has not noted its end by then is dead
BATCH = 200

Due = tuple[int, int, int]  # station, delivery, tries before this one

# The next time is set first: a job that gets lost on the way to a worker is made again.
_CLAIM = text(
    "UPDATE webhook_delivery d SET next_try_at = now() + make_interval(secs => :lease) FROM"
    " (SELECT station_id, id FROM webhook_delivery WHERE state = 'due' AND next_try_at <= now()"
    "  ORDER BY next_try_at LIMIT :batch FOR UPDATE SKIP LOCKED) q"
    " WHERE d.station_id = q.station_id AND d.id = q.id"
    " RETURNING d.station_id, d.id, d.tries, d.endpoint_id,"
    " EXISTS (SELECT FROM webhook_endpoint e WHERE e.station_id = d.station_id"
    "  AND e.id = d.endpoint_id AND e.failing_since IS NOT NULL) AS failing"
)
_OF_MESSAGE = text(
    "SELECT station_id, id, tries FROM webhook_delivery"
    " WHERE station_id = :station AND message_id = :message AND state = 'due'"
)
_READ = text(
    "SELECT d.id, d.tries, d.format, d.endpoint_id, d.api_key_id, coalesce(e.url, d.url) AS url,"
    " m.message_no, m.event, m.member_id, m.order_id, m.payload,"
    " e.state AS endpoint_state, e.sealed,"
    " CASE WHEN e.old_until > now() THEN e.sealed_old END AS old"
    " FROM webhook_delivery d"
    " JOIN webhook_message m ON m.station_id = d.station_id AND m.id = d.message_id"
    " LEFT JOIN webhook_endpoint e ON e.station_id = d.station_id AND e.id = d.endpoint_id"
    " WHERE d.station_id = :station AND d.id = :id AND d.state = 'due' AND d.tries = :tries"
    " FOR NO KEY UPDATE OF d"
)
_COUNT = text(
    "UPDATE webhook_delivery SET tries = tries + 1,"
    " next_try_at = now() + make_interval(secs => :lease) WHERE station_id = :station AND id = :id"
)
_END = text(
    "UPDATE webhook_delivery SET state = :state, next_try_at = NULL, done_at = now()"
    " WHERE station_id = :station AND id = :id AND state = 'due'"
)


@dataclass(frozen=True, slots=True)
class Try:
    """One try that is ours: counted, and not yet made. ``sealed``: the endpoint's secrets."""

    station_id: int
    delivery_id: int
    number: int  # the first is 1
    format: str
    endpoint_id: int | None
    member_id: int
    facts: DeliveryFacts
    sealed: tuple[bytes, ...] = field(repr=False)


def claim_due(limit: int = BATCH) -> list[Due]:
    """Deliveries whose time has come (main scope); each is put off before it is returned.

    Claimed with SKIP LOCKED, so any number of schedulers may ask. An endpoint that fails gets one
    at a time: its time-outs must not take the workers from the others.
    """
    rows = db.session.execute(_CLAIM, {"lease": LEASE_S, "batch": limit}).all()
    db.session.commit()
    failing: set[tuple[int, int]] = set()
    due: list[Due] = []
    for row in rows:
        endpoint = (row.station_id, row.endpoint_id)
        if row.failing and endpoint in failing:
            continue
        if row.failing:
            failing.add(endpoint)
        due.append((row.station_id, row.id, row.tries))
    return due


def due_of(station_id: int, message_id: int) -> Sequence[Due]:
    """What is to be sent of one message. Opens its own scope."""
    with station_scope(station_id):
        given = {"station": station_id, "message": message_id}
        return [(row[0], row[1], row[2]) for row in db.session.execute(_OF_MESSAGE, given)]


def take(station_id: int, delivery_id: int, tries: int) -> Try | None:
    """Count the try before it is made; None when it is not (or no longer) ours. Opens its scope.

    Of two workers with the same job the second finds another count and does nothing.
    """
    given = {"station": station_id, "id": delivery_id}
    with station_scope(station_id):
        row = db.session.execute(_READ, {**given, "tries": tries}).first()
        if row is None:
            return None
        ended = _over(row)
        if ended:
            db.session.execute(_END, {**given, "state": ended})
            db.session.commit()
            return None
        db.session.execute(_COUNT, {**given, "lease": LEASE_S})
        db.session.commit()
        return _try(station_id, row)


def end(station_id: int, delivery_id: int, state: str) -> None:
    """The delivery is over, one way or the other. In the open scope; the caller commits."""
    db.session.execute(_END, {"station": station_id, "id": delivery_id, "state": state})


def _over(row: Row[Any]) -> str:
    """How a delivery has ended meanwhile: its owner stopped it, or its last try's worker died."""
    if row.endpoint_id is not None and row.endpoint_state != "active":
        return "dropped"
    return "failed" if row.tries >= len(schedule_of(row.format)) else ""


def _try(station_id: int, row: Row[Any]) -> Try:
    sealed = tuple(bytes(one) for one in (row.sealed, row.old) if one is not None)
    order_no = str(row.payload.get("data", {}).get("order_no", ""))
    facts = DeliveryFacts(
        station_id, row.api_key_id or 0, row.order_id, order_no, row.event, row.url,
        row.message_no, row.payload,
    )  # fmt: skip
    return Try(
        station_id, row.id, row.tries + 1, row.format, row.endpoint_id, row.member_id, facts, sealed
    )
