"""What a topic of the outbox says, in the words that members' programs get."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, text

from kameng.db import current_scope, db
from kameng.errors import Conflict
from kameng.webhooks.domain.events import TEST, News, Notify, event_payload
from kameng.webhooks.services.endpoints import endpoint_of
from kameng.webhooks.services.telling import tell
from kameng_sdk.money import Money

# News of last week (restored, imported, seeded) is no news.
_ORDER = text(
    "SELECT o.id, o.order_no, o.channel, o.idempotency_key, o.member_id, o.state, o.quantity,"
    " o.payable, CASE WHEN o.state = 'refunded' THEN o.payable ELSE o.refunded END AS refunded,"
    " s.code AS sku, n.api_key_id, n.url AS notify_url, k.dialect"
    " FROM orders o JOIN sku s ON s.id = o.sku_id"
    " LEFT JOIN order_notify n ON n.station_id = o.station_id AND n.order_id = o.id"
    " LEFT JOIN api_key k ON k.station_id = n.station_id AND k.id = n.api_key_id"
    " WHERE o.station_id = :station AND o.id = :id AND o.member_id IS NOT NULL"
    " AND o.updated_at > now() - interval '1 day'"
)
_TOP_UP = text(
    "SELECT attempt_no, amount, paid_at FROM payment_attempt"
    " WHERE station_id = :station AND id = :id AND member_id = :member"
)
_REQUEST = text(
    "SELECT r.request_no, r.member_id, r.order_id, r.amount, r.state, r.answer, o.order_no,"
    " r.decided_at FROM refund_request r"
    " JOIN orders o ON o.station_id = r.station_id AND o.id = r.order_id"
    " WHERE r.station_id = :station AND r.id = :id"
)


def tell_order(event: str, station_id: int, order_id: int, part: int = 0) -> int | None:
    """Tell a member's programs about an order; in the open station scope, the caller commits.

    ``part``: the purchase that brought a part of it, since parts come several times.
    """
    row = db.session.execute(_ORDER, {"station": station_id, "id": order_id}).first()
    if row is None or (part and row.state != "partially_delivered"):
        return None  # the rest has come meanwhile, and that is told
    source = f"{event}:{order_id}" + (f":{part}" if part else "")
    notify = Notify(row.api_key_id, row.dialect, row.notify_url) if row.notify_url else None
    payload = event_payload(event, datetime.now(UTC), _order_data(row))
    return tell(
        station_id,
        News(
            member_id=row.member_id, event=event, source=source, payload=payload,
            order_id=order_id, notify=notify,
        ),
    )  # fmt: skip


def tell_top_up(station_id: int, member_id: int, attempt_id: int) -> int | None:
    """Tell that the wallet was filled."""
    given = {"station": station_id, "id": attempt_id, "member": member_id}
    row = db.session.execute(_TOP_UP, given).first()
    if row is None:
        return None
    event, amount = "wallet.topped_up", Money(row.amount).format()
    data = {"top_up_no": row.attempt_no, "amount": amount, "sandbox": False}
    payload = event_payload(event, row.paid_at or datetime.now(UTC), data)
    return tell(
        station_id,
        News(member_id=member_id, event=event, source=f"{event}:{attempt_id}", payload=payload),
    )


def tell_refund_request(event: str, station_id: int, request_id: int) -> int | None:
    """Tell what became of a request for money back."""
    row = db.session.execute(_REQUEST, {"station": station_id, "id": request_id}).first()
    if row is None:
        return None
    data = {
        "request_no": row.request_no, "order_no": row.order_no, "state": row.state,
        "amount": Money(row.amount).format(), "answer": row.answer[:2_000], "sandbox": False,
    }  # fmt: skip
    payload = event_payload(event, row.decided_at or datetime.now(UTC), data)
    return tell(
        station_id,
        News(
            member_id=row.member_id, event=event, source=f"{event}:{request_id}",
            payload=payload, order_id=row.order_id,
        ),
    )  # fmt: skip


def send_test(member_id: int, endpoint_id: int) -> None:
    """Send webhook.test to one endpoint (station scope). Commits.

    Raises `NotFound`, or `Conflict` endpoint_paused: nothing is sent there now.
    """
    if endpoint_of(member_id, endpoint_id).state != "active":
        raise Conflict("endpoint_paused", _l("这个通知地址停着，请先恢复。"))
    payload = event_payload(TEST, datetime.now(UTC), {"endpoint_id": endpoint_id, "sandbox": True})
    source = f"{TEST}:{endpoint_id}:{secrets.token_hex(8)}"
    tell(
        int(current_scope().station_id or 0),
        News(member_id=member_id, event=TEST, source=source, payload=payload, only=endpoint_id),
    )
    db.session.commit()


def _order_data(row: Row[Any]) -> dict[str, Any]:
    return {
        "order_no": row.order_no, "merchant_order_no": _merchant_order_no(row),
        "state": row.state, "sku": row.sku, "quantity": row.quantity,
        "total": Money(row.payable).format(), "refunded": Money(row.refunded).format(),
        "sandbox": False,
    }  # fmt: skip


def _merchant_order_no(row: Row[Any]) -> str:
    """The number of the member's own system: an order's key is ``api:<member>:<number>``."""
    own = f"api:{row.member_id}:"
    key = str(row.idempotency_key)
    return key.removeprefix(own) if row.channel == "api" and key.startswith(own) else ""
