"""A person who settles what machines cannot, by what the suppliers' own records say."""

from __future__ import annotations

from typing import Any

from kameng.db import main_scope
from kameng.errors import DomainError
from kameng.supply import api as supply
from kameng_sdk.money import Money

from .truth import Bought, Sold, read

STAFF = "staff:1"
SHORT = ("fewer", "partial", "duplicate_card")


def settle_all(shop: Any, stands: Any) -> dict[str, int]:
    """Every purchase that waits for a person; how many by what was done. In an app context."""
    truth, _vault = read(shop, stands)
    done: dict[str, int] = {}
    for purchase in truth.purchases:
        if purchase.open and purchase.waits_for in ("person", "desk"):
            word = settle(purchase, truth.of.get(purchase.id, []))
            done[word] = done.get(word, 0) + 1
    return done


def settle(purchase: Bought, sales: list[Sold]) -> str:
    """What was done about one of them."""
    assert len(sales) < 2, "one number has bought twice"
    sale = sales[0] if sales else None
    try:
        if sale is None or sale.kept == 0 or sale.state in ("failed", "cancelled"):
            return _fail(purchase, sale)
        if sale.state != "done":
            sale.stand.act(sale.row["ref"], "fail")
            return _fail(purchase, None)
        if sale.row["lie"] in SHORT:
            return _accept(purchase) or _fail(purchase, sale)
        return _complete(purchase, sale)
    except DomainError as refusal:
        if refusal.code in ("already_delivered", "already_failed", "purchase_closed"):
            return "settled meanwhile"
        return _fail(purchase, sale)


def _accept(purchase: Bought) -> str:
    """Take what the supplier says now, if it says so: the rest is bought elsewhere."""
    try:
        state = supply.accept(purchase.station_id, purchase.id, STAFF)
    except DomainError as refusal:
        if refusal.code != "nothing_delivered":
            raise
        return ""
    return "accepted" if state == "succeeded" else ""


def _complete(purchase: Bought, sale: Sold) -> str:
    """As the supplier's back office shows the cards: with the numbers that its interface has too."""
    there, stall = sale.stand.simulator.warehouse.order(sale.row["ref"]), sale.stand.stall
    cards = [
        (card.number if stall.numbers_cards else "", card.code)
        for card in there.cards[: purchase.quantity]
    ]
    with main_scope(reason="test"):
        supply.complete(purchase.station_id, purchase.id, "供货方已到账", STAFF, cards=cards)
    return "completed"


def _fail(purchase: Bought, sale: Sold | None) -> str:
    """The supplier gives back what it has kept; then the order goes on to the next one."""
    if sale is not None and sale.kept > 0:
        sale.stand.act(sale.row["ref"], "refund", amount=Money(sale.kept).format(4))
    with main_scope(reason="test"):
        supply.fail(purchase.station_id, purchase.id, "已与供货方核对：没有成交或已退款", STAFF)
    return "failed"
