"""What was sent and what came back: for the member's page, for sending again, for a while."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, text

from kameng.db import current_scope, db
from kameng.errors import Conflict, NotFound
from kameng.jobs.api import publish
from kameng.webhooks.services.endpoints import endpoint_of
from kameng.webhooks.services.telling import DUE_TOPIC

KEEP = timedelta(days=30)
PRUNED_AT_ONCE = 5_000
PAGE = 20


@dataclass(frozen=True, slots=True)
class TryView:
    """One try. ``status`` 0: no usable answer, ``answer`` says why."""

    at: datetime
    status: int
    elapsed_ms: int
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """One message to one address; ``state`` due, delivered, failed or dropped.

    ``endpoint_id`` None: the address came with an order.
    """

    id: int
    endpoint_id: int | None
    message_no: str
    event: str
    order_no: str
    url: str = field(repr=False)
    state: str
    tries: int
    next_try_at: datetime | None
    replayed_by: str
    created_at: datetime
    done_at: datetime | None
    log: tuple[TryView, ...] = ()


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries, newest first; ``next_before`` None on the last page."""

    items: tuple[DeliveryView, ...]
    next_before: int | None


_LIST = text(
    "SELECT d.id, d.endpoint_id, m.message_no, m.event, m.payload->'data'->>'order_no' AS order_no,"
    " d.url, d.state, d.tries, d.next_try_at, d.replayed_by, d.created_at, d.done_at"
    " FROM webhook_delivery d"
    " JOIN webhook_message m ON m.station_id = d.station_id AND m.id = d.message_id"
    " WHERE d.station_id = :station AND m.member_id = :member AND d.id < :before"
    " AND d.endpoint_id IS NOT DISTINCT FROM CAST(:endpoint AS bigint)"
    " ORDER BY d.id DESC LIMIT :size"
)
_TRIES = text(
    "SELECT delivery_id, at, status, elapsed_ms, answer FROM webhook_try"
    " WHERE station_id = :station AND delivery_id = ANY(:ids) ORDER BY id"
)
# From the first try on, as if it had just happened; the webhook-id stays what it was.
_AGAIN = (
    "UPDATE webhook_delivery d SET state = 'due', tries = 0, next_try_at = now(), done_at = NULL,"
    " replayed_by = :actor FROM webhook_message m"
    " WHERE m.station_id = d.station_id AND m.id = d.message_id AND d.station_id = :station"
    " AND m.member_id = :member AND (d.endpoint_id IS NULL OR EXISTS"
    "  (SELECT FROM webhook_endpoint e WHERE e.station_id = d.station_id"
    "   AND e.id = d.endpoint_id AND e.state = 'active'))"
)
_REPLAY = text(f"{_AGAIN} AND d.id = :id RETURNING d.message_id")
_REPLAY_ALL = text(
    f"{_AGAIN} AND d.endpoint_id = :endpoint AND d.state IN ('failed', 'dropped')"
    " AND m.created_at >= :since RETURNING d.id"
)
_EXISTS = text(
    "SELECT EXISTS (SELECT FROM webhook_delivery d JOIN webhook_message m"
    " ON m.station_id = d.station_id AND m.id = d.message_id"
    " WHERE d.station_id = :station AND d.id = :id AND m.member_id = :member)"
)
_OLD = (
    "SELECT m.station_id, m.id FROM webhook_message m WHERE m.created_at < now() - :keep"
    " AND NOT EXISTS (SELECT FROM webhook_delivery d WHERE d.station_id = m.station_id"
    "  AND d.message_id = m.id AND d.state = 'due') ORDER BY m.station_id, m.id LIMIT :batch"
)
_PRUNE = text(
    f"WITH old AS MATERIALIZED ({_OLD}), sent AS (SELECT d.station_id, d.id FROM webhook_delivery d"
    "  JOIN old ON old.station_id = d.station_id AND old.id = d.message_id), tried AS"
    " (DELETE FROM webhook_try t USING sent WHERE t.station_id = sent.station_id"
    "  AND t.delivery_id = sent.id), gone AS (DELETE FROM webhook_delivery d USING old"
    "  WHERE d.station_id = old.station_id AND d.message_id = old.id)"
    " DELETE FROM webhook_message m USING old WHERE m.station_id = old.station_id AND m.id = old.id"
    " RETURNING m.id"
)


def deliveries(
    member_id: int, endpoint_id: int | None, before: int | None = None, size: int = PAGE
) -> DeliveryPage:
    """What was sent to an endpoint, with every try; None: to addresses that came with orders."""
    given = {
        "station": _station(), "member": member_id, "endpoint": endpoint_id,
        "before": before or 2**62, "size": size + 1,
    }  # fmt: skip
    rows = db.session.execute(_LIST, given).all()
    shown = rows[:size]
    tries = _tries([row.id for row in shown])
    items = tuple(_view(row, tries[row.id]) for row in shown)
    return DeliveryPage(items, items[-1].id if len(rows) > size else None)


def replay(member_id: int, delivery_id: int, actor: str) -> None:
    """Send one delivery again, from its first try on, under the same webhook-id. Commits.

    Raises `NotFound`, or `Conflict` endpoint_paused: nothing is sent there now.
    """
    given = {"station": _station(), "member": member_id, "id": delivery_id, "actor": actor}
    message = db.session.scalar(_REPLAY, given)
    if message is None:
        if db.session.scalar(_EXISTS, given):
            raise Conflict("endpoint_paused", _l("这个通知地址停着，请先恢复。"))
        raise NotFound("delivery_unknown", _l("没有这条通知记录"))
    publish(DUE_TOPIC, _station(), {"message_id": message})
    db.session.commit()


def replay_failed(member_id: int, endpoint_id: int, since: datetime, actor: str) -> int:
    """Send again all that an endpoint has missed since a moment; returns how many. Commits.

    Raises `NotFound`, or `Conflict` endpoint_paused.
    """
    if endpoint_of(member_id, endpoint_id).state != "active":
        raise Conflict("endpoint_paused", _l("这个通知地址停着，请先恢复。"))
    given = {
        "station": _station(), "member": member_id, "endpoint": endpoint_id, "since": since,
        "actor": actor,
    }  # fmt: skip
    again = len(db.session.execute(_REPLAY_ALL, given).all())
    db.session.commit()
    return again


def prune() -> int:
    """Forget messages of more than 30 days with their log (main scope); how many. Commits."""
    given = {"keep": KEEP, "batch": PRUNED_AT_ONCE}
    total = 0
    while gone := len(db.session.execute(_PRUNE, given).all()):
        db.session.commit()
        total += gone
    return total


def _tries(ids: Sequence[int]) -> dict[int, list[TryView]]:
    found: dict[int, list[TryView]] = defaultdict(list)
    for row in db.session.execute(_TRIES, {"station": _station(), "ids": list(ids)}):
        found[row.delivery_id].append(TryView(row.at, row.status, row.elapsed_ms, row.answer))
    return found


def _view(row: Row[Any], tries: Sequence[TryView]) -> DeliveryView:
    return DeliveryView(**{**row._asdict(), "order_no": row.order_no or "", "log": tuple(tries)})


def _station() -> int:
    return int(current_scope().station_id or 0)
