"""How an order of ours is told: the same states and contents in answers and notices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kameng.openapi.domain.amounts import decimal
from kameng.openapi.domain.dialects.dujiao_next.goods import is_manual
from kameng.openapi.domain.dialects.wire import row_id
from kameng.openapi.domain.facts import AccountFacts, CardFacts, OrderFacts

STATUS: Mapping[str, str] = {
    "pending_payment": "pending_payment",
    "paid": "paid",
    "held": "paid",
    "fulfilling": "fulfilling",
    "partially_delivered": "partially_delivered",
    "delivered": "delivered",
    "completed": "completed",
    # The money is on its way back: until it has come, nothing is said to be over.
    "failed": "fulfilling",
    "refunding": "fulfilling",
    "cancelled": "canceled",
    "expired": "canceled",
    "refunded": "canceled",
}
DONE = ("delivered", "completed")
DONE_TEXT = "已完成"
SANDBOX = "T"


def status_of(order: OrderFacts) -> str:
    """The protocol's word. Money that goes back after delivery does not undeliver."""
    if order.state == "refunding" and order.delivered >= order.quantity:
        return "delivered"
    return STATUS.get(order.state, "fulfilling")


def order_id(order_no: str) -> int:
    """Our number as the protocol's whole number; 16 digits fit its clients' 64 bits.

    The letter of the sandbox is left out: its keys see no other orders.
    """
    number = row_id(order_no.removeprefix(SANDBOX))
    if number is None:
        raise ValueError("an order number that is not made of digits")
    return number


def order_no(text: str, *, sandbox: bool) -> str | None:
    """Our number that an id of theirs stands for; None for what can be none."""
    number = row_id(text)
    if number is None:
        return None
    return f"{SANDBOX}{number}" if sandbox else str(number)


def placed(order: OrderFacts) -> dict[str, Any]:
    """The answer to an order, and to its repeat."""
    return {
        "ok": True,
        "order_id": order_id(order.order_no),
        "order_no": order.order_no,
        "status": status_of(order),
        "amount": decimal(order.total),
        "currency": order.currency,
    }


def detail(order: OrderFacts) -> dict[str, Any]:
    """The answer to a question. The refunded sum is what newer sites add."""
    item = {
        "sku_id": order.sku_id,
        "title": {"zh-CN": order.product_name},
        "quantity": order.quantity,
        "unit_price": decimal(order.unit_price),
        "total_price": decimal(order.total),
        "fulfillment_type": "manual" if is_manual(order.kind) else "auto",
    }
    more = {"refunded_amount": decimal(order.refunded), "items": [item]}
    return placed(order) | more | _fulfillment(order)


def notice(order: OrderFacts, now_s: int) -> dict[str, Any]:
    """The body of a notice: no sums in it."""
    done = status_of(order) in DONE
    return {
        "event": "order.fulfilled" if done else "order.status_changed",
        "order_id": order_id(order.order_no),
        "order_no": order.order_no,
        "downstream_order_no": order.merchant_order_no,
        "status": status_of(order),
        **_fulfillment(order),
        "timestamp": now_s,
    }


def account(facts: AccountFacts, site_name: str, member_id: int) -> dict[str, Any]:
    """The answer to a ping."""
    level = {"id": 0, "name": {"zh-CN": facts.level}, "slug": "", "icon": ""}
    return {
        "ok": True,
        "site_name": site_name,
        "protocol_version": "1.0",
        "user_id": member_id,
        "balance": decimal(facts.balance),
        "currency": facts.currency,
        "member_level": level if facts.level else None,
    }


def _fulfillment(order: OrderFacts) -> dict[str, Any]:
    """What was delivered, once all of it was."""
    if status_of(order) not in DONE:
        return {}
    return {
        "fulfillment": {
            "type": "manual" if is_manual(order.kind) else "auto",
            "status": "delivered",
            "payload": _payload(order),
            "delivery_data": None,
            "delivered_at": _moment(order.delivered_at),
        }
    }


def _payload(order: OrderFacts) -> str:
    """A card a line, and nothing else: clients count them. By hand, what was written follows."""
    lines = [_line(card) for card in order.cards]
    if not is_manual(order.kind):
        return "\n".join(lines)
    return "\n".join([*lines, *filter(None, [order.delivery_text])]) or DONE_TEXT


def _line(card: CardFacts) -> str:
    """Number and code, in one line whatever stands in them."""
    parts = (" ".join(part.splitlines()) for part in (card.number, card.code))
    return "----".join(filter(None, parts))


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
