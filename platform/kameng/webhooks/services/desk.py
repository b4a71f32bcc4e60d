"""How notices fare across stations: what fails, what is late, what is out. Main scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from kameng.db import db

MOST = 100


@dataclass(frozen=True, slots=True)
class DeliveryHealth:
    """Deliveries of all stations now, and of the last 24 hours."""

    due: int
    late: int
    failing: int
    delivered: int
    failed: int


@dataclass(frozen=True, slots=True)
class TroubledDelivery:
    """One delivery that has failed at least once, or waits for longer than it should.

    ``status`` 0: no answer came; None: it was not tried yet.
    """

    station_id: int
    id: int
    event: str
    message_no: str
    url: str
    format: str
    state: str
    late: bool
    tries: int
    next_try_at: datetime | None
    created_at: datetime
    status: int | None
    answer: str


@dataclass(frozen=True, slots=True)
class StoppedEndpoint:
    """An address that gets nothing: paused by its owner, or given up."""

    station_id: int
    id: int
    member_id: int
    url: str
    state: str
    reason: str
    failing_since: datetime | None
    last_ok_at: datetime | None


_HEALTH = text("""
    SELECT count(*) FILTER (WHERE state = 'due') AS due,
           count(*) FILTER (WHERE state = 'due'
               AND next_try_at < now() - interval '5 minutes') AS late,
           count(*) FILTER (WHERE state = 'due' AND tries > 0) AS failing,
           count(*) FILTER (WHERE state = 'delivered') AS delivered,
           count(*) FILTER (WHERE state = 'failed') AS failed
      FROM webhook_delivery WHERE state = 'due' OR done_at > now() - interval '1 day'
""")
_TROUBLED = text("""
    SELECT d.station_id, d.id, m.event, m.message_no, d.url, d.format, d.state,
           d.state = 'due' AND d.next_try_at < now() - interval '5 minutes' AS late,
           d.tries, d.next_try_at, d.created_at, t.status, coalesce(t.answer, '') AS answer
      FROM webhook_delivery d
      JOIN webhook_message m ON m.station_id = d.station_id AND m.id = d.message_id
      LEFT JOIN LATERAL (SELECT status, answer FROM webhook_try
           WHERE station_id = d.station_id AND delivery_id = d.id
           ORDER BY id DESC LIMIT 1) t ON true
     WHERE d.state = 'failed' AND d.done_at > now() - interval '7 days'
        OR d.state = 'due' AND (d.tries > 0 OR d.next_try_at < now() - interval '5 minutes')
     ORDER BY d.state = 'failed', d.created_at DESC LIMIT :most
""")
_STOPPED = text("""
    SELECT station_id, id, member_id, url, state, reason, failing_since, last_ok_at
      FROM webhook_endpoint WHERE state IN ('paused', 'gone')
     ORDER BY state = 'paused', id DESC LIMIT :most
""")


def delivery_health() -> DeliveryHealth:
    """Counts of all stations; late is what was due five minutes ago."""
    return DeliveryHealth(**db.session.execute(_HEALTH).mappings().one())


def troubled_deliveries() -> Sequence[TroubledDelivery]:
    """The newest hundred: those still tried first, then those given up within a week."""
    rows = db.session.execute(_TROUBLED, {"most": MOST}).mappings()
    return [TroubledDelivery(**row) for row in rows]


def stopped_endpoints() -> Sequence[StoppedEndpoint]:
    """Given up ones first, then those that their owners have paused."""
    rows = db.session.execute(_STOPPED, {"most": MOST}).mappings()
    return [StoppedEndpoint(**row) for row in rows]
