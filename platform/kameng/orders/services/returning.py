"""What giving money back would cost whom, before anybody decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kameng.db import db
from kameng.orders.domain import returned_shares
from kameng.orders.models import Order, OrderCost

REFUNDABLE = ("delivered", "completed")


@dataclass(frozen=True, slots=True)
class ReturnShare:
    """One party of a sale: what it had of it, and what it would give back (scale 4)."""

    party: str  # "cost", a station's number, or "rounding"
    had: int
    gives: int


def refundable(order: Order) -> int:
    """What may still be given back of a delivered order; 0 in every other state."""
    return order.payable - order.refunded if order.state in REFUNDABLE else 0


def return_shares(station_id: int, order_id: int, amount: int) -> Sequence[ReturnShare]:
    """Shares of a further refund of `amount`, before it is asked for (main scope)."""
    order = db.session.get_one(Order, (station_id, order_id))
    cost = db.session.get_one(OrderCost, (station_id, order_id))
    pieces = order.quantity
    parties = ["cost", *map(str, cost.parties), "rounding"]
    legs = [cost.cost * pieces, *(m * pieces for m in cost.margins), order.payable - order.total]
    after = order.refunded + amount
    gives = returned_shares(legs, order.payable, order.refunded, after)
    rows = zip(parties, legs, gives, strict=True)
    return [ReturnShare(*row) for row in rows if row[1] or row[2]]
