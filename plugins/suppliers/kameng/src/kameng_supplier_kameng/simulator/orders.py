"""How the simulated station tells of an order: one object in answers, a shorter one in notices."""

import time
from typing import Any

from kameng_sdk.simulation.sales import Order, State
from kameng_sdk.suppliers import OfferKind

from .catalogue import decimal

STATES = {State.WAITING: "paid", State.PROCESSING: "fulfilling", State.DONE: "delivered"}
EVENTS = {"delivered": "order.delivered", "refunded": "order.refunded"}


def shown(order: Order) -> dict[str, Any]:
    """The order's JSON. Cards are there once something is delivered."""
    done, state = order.state is State.DONE, state_of(order)
    cards = [{"number": card.number, "code": card.code} for card in order.cards]
    is_card = order.kind is OfferKind.CARD
    return {
        **_head(order, state),
        "product_name": order.name.rpartition(" ")[0],
        "sku_name": order.name.rpartition(" ")[2],
        "kind": order.kind.value,
        "unit_price": decimal(order.unit),
        "currency": order.cost.currency,
        "delivered": (len(cards) if is_card else order.quantity) if done else 0,
        "cards": cards,
        "delivery_text": "" if is_card or not done else "充值成功",
        "inputs": dict(order.inputs),
        "created_at": _moment(order.created_at),
        "paid_at": _moment(order.created_at),
        "delivered_at": _moment(order.due_at) if done else None,
    }


def notice(order: Order) -> dict[str, Any]:
    """The body of a notice: no cards in it."""
    state = state_of(order)
    return {
        "type": EVENTS.get(state, "order.changed"),
        "timestamp": _moment(time.time()),
        "data": _head(order, state),
    }


def state_of(order: Order) -> str:
    """Without goods the money goes back; until it is there the order is `refunding`."""
    if order.state in STATES:
        return STATES[order.state]
    return "refunded" if order.refunded == order.cost else "refunding"


def _head(order: Order, state: str) -> dict[str, Any]:
    return {
        "order_no": order.ref,
        "merchant_order_no": order.number,
        "state": state,
        "sku": order.goods,
        "quantity": order.quantity,
        "total": decimal(order.cost),
        "refunded": decimal(order.refunded),
        "sandbox": False,
    }


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
