"""A member buys in a flash sale on a page: gate, order, payment from the wallet, at once."""

from __future__ import annotations

from typing import Any

from kameng.db import current_scope
from kameng.errors import DomainError
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.promotions.domain import is_sale_number
from kameng.promotions.services import gate
from kameng.promotions.services.entering import enter, flash_refused


def buy_at_once(request: orders.PlaceRequest, risk: tuple[str, list[Any]]) -> orders.Placed:
    """Order one piece and pay for it from the wallet of `request.member_id` (station scope).

    Raises `FlashRefused`, `OrderRefused` and `PaymentRefused`; then no unit is kept. The same key
    and content give the same order again.
    """
    station = current_scope().station_id
    if station is None or request.member_id is None:
        raise RuntimeError("a flash sale is for members of a station")
    if not is_sale_number(request.flash_sale):
        raise flash_refused("flash_not_running")
    buyer = orders.shopper_key(station, request.member_id, request.contact)
    place = enter(gate.ticket(station, request.flash_sale, buyer))
    with gate.held(place):
        placed = orders.place(request, risk)
        _pay(placed, request.member_id)
    return placed


def _pay(placed: orders.Placed, member_id: int) -> None:
    """From the wallet, or not at all: an order that is not paid gives its unit back."""
    try:
        payments.pay_with_balance(placed.order_no, member_id)
    except DomainError:
        if not placed.repeated:
            orders.cancel(placed.order_no, f"member:{member_id}")
        raise
