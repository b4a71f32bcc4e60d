"""What time has done to orders of the sandbox is told to webhooks; old ones are forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from kameng.db import db
from kameng.openapi.domain import sandbox as rules
from kameng.openapi.services.sandbox import BACK, COLUMNS, LIMITS, course_of
from kameng.webhooks import api as webhooks
from kameng_sdk.money import Money

AT_ONCE = 200

_KEY = " JOIN api_key k ON k.station_id = o.station_id AND k.id = o.api_key_id"
_SELECT = COLUMNS.replace("SELECT ", "SELECT k.member_id, k.dialect, ", 1)
_ORDERS = text(
    _SELECT + _KEY + BACK + " WHERE o.announced = 'paid' AND o.merchant_order_no NOT LIKE '%-hold'"
    " ORDER BY o.created_at LIMIT :most FOR UPDATE OF o SKIP LOCKED"
)
_REFUNDS = text(
    _SELECT.replace("SELECT ", "SELECT f.id AS refund_id, f.request_no, f.amount, ", 1)
    + _KEY
    + " JOIN sandbox_refund f ON f.station_id = o.station_id AND f.sandbox_order_id = o.id"
    + BACK
    + " WHERE NOT f.announced AND f.created_at <= now() - make_interval(secs => :decided_s)"
    " ORDER BY f.created_at LIMIT :most FOR UPDATE OF f SKIP LOCKED"
)
_TOLD = text("UPDATE sandbox_order SET announced = :state WHERE station_id = :station AND id = :id")
_REFUND_TOLD = text(
    "UPDATE sandbox_refund SET announced = true WHERE station_id = :station AND id = :id"
)
_PRUNE = text(
    "DELETE FROM sandbox_order WHERE created_at < now() - make_interval(days => :days) RETURNING 1"
)


def announce_sandbox() -> int:
    """Tell what has happened since the last time (main scope); returns how many were told."""
    given = {**LIMITS, "most": AT_ONCE}
    told = 0
    for row in db.session.execute(_ORDERS, given).all():
        state = course_of(row).state
        if state in ("delivered", "refunded"):
            _tell_order(row, f"order.{state}")
            one = {"state": state, "station": row.station_id, "id": row.id}
            db.session.execute(_TOLD, one)
            told += 1
    for row in db.session.execute(_REFUNDS, given).all():
        _tell_refund(row)
        db.session.execute(_REFUND_TOLD, {"station": row.station_id, "id": row.refund_id})
        told += 1
    db.session.commit()
    return told


def prune_sandbox() -> int:
    """Forget orders of more than 90 days, with their requests (main scope); returns how many."""
    gone = len(db.session.execute(_PRUNE, {"days": rules.KEPT_DAYS}).all())
    db.session.commit()
    return gone


def _tell_order(row: Any, event: str) -> None:
    now = course_of(row)
    data = {
        "order_no": row.order_no, "merchant_order_no": row.merchant_order_no, "state": now.state,
        "sku": row.sku, "quantity": row.quantity, "total": Money(row.payable).format(),
        "refunded": Money(now.refunded).format(), "sandbox": True,
    }  # fmt: skip
    notify = (row.api_key_id, row.dialect, row.notify_url) if row.notify_url else None
    webhooks.announce(
        row.station_id, row.member_id, event, f"sandbox:{row.order_no}:{event}",
        webhooks.event_payload(event, datetime.now(UTC), data), notify=notify,
    )  # fmt: skip


def _tell_refund(row: Any) -> None:
    state = rules.decision(row.request_no, rules.DECIDED_S)
    event = f"refund_request.{state}"
    data = {
        "request_no": row.request_no, "order_no": row.order_no, "state": state,
        "amount": Money(row.amount).format(), "answer": "SANDBOX", "sandbox": True,
    }  # fmt: skip
    webhooks.announce(
        row.station_id, row.member_id, event, f"sandbox:{row.order_no}:{row.request_no}",
        webhooks.event_payload(event, datetime.now(UTC), data),
    )  # fmt: skip
    if course_of(row).state == "refunded":
        _tell_order(row, "order.refunded")
