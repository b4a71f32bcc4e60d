"""How the simulated site tells of an order: the same object in answers and notices."""

import time
from typing import Any

from kameng_sdk.simulation.sales import Order, State
from kameng_sdk.suppliers import OfferKind

from .catalogue import yuan

STATUS = {
    State.WAITING: "paid",
    State.PROCESSING: "fulfilling",
    State.DONE: "completed",
    State.FAILED: "canceled",
    State.CANCELLED: "canceled",
}


def placed(order: Order) -> dict[str, Any]:
    """The answer to an order, and to its repeat."""
    return {
        "ok": True,
        "order_id": int(order.ref),
        "order_no": f"DJ{order.ref}",
        "status": STATUS[order.state],
        "amount": yuan(order.cost),
        "currency": "CNY",
    }


def detail(order: Order) -> dict[str, Any]:
    """The answer to a question; newer sites add what came back."""
    product, _, sku = order.goods.partition(":")
    item = {
        "product_id": int(product),
        "sku_id": int(sku),
        "title": {"zh-CN": order.name},
        "quantity": order.quantity,
        "unit_price": yuan(order.unit),
        "total_price": yuan(order.unit * order.quantity),
        "fulfillment_type": _type(order),
    }
    more = {"refunded_amount": yuan(order.refunded), "items": [item]}
    return placed(order) | more | _fulfillment(order)


def notice(order: Order, now: int) -> dict[str, Any]:
    """The body of a notice: no sums in it."""
    done = order.state is State.DONE
    return {
        "event": "order.fulfilled" if done else "order.status_changed",
        "order_id": int(order.ref),
        "order_no": f"DJ{order.ref}",
        "downstream_order_no": order.number,
        "status": STATUS[order.state],
        **_fulfillment(order),
        "timestamp": now,
    }


def _fulfillment(order: Order) -> dict[str, Any]:
    """What was delivered, once it was."""
    if order.state is not State.DONE:
        return {}
    is_card = order.kind is OfferKind.CARD
    lines = [card.code for card in order.cards] if is_card else ["充值成功"]
    delivered_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(order.due_at))
    return {
        "fulfillment": {
            "type": _type(order),
            "status": "delivered",
            "payload": "\n".join(lines),
            "delivery_data": None,
            "delivered_at": delivered_at,
        }
    }


def _type(order: Order) -> str:
    return "auto" if order.kind is OfferKind.CARD else "manual"
