"""Costs change while shoppers buy: nobody pays other than shown, and every split comes to its price."""

from __future__ import annotations

from functools import partial
from typing import Any

from kameng.db import main_scope, station_scope
from kameng.orders.api import quote
from kameng.pricing.api import reprice, set_cost

from .hands import answer, at_once

DEER = 3


def test_T2_prices_that_change_under_buyers_split_exactly_and_the_last_cost_wins(shop: Any) -> None:
    code = shop.sku(cards=80)
    sku = shop.one("SELECT id FROM sku WHERE code = %s", code)
    outcomes: list[str] = []

    def change(cost: int) -> None:
        with shop.app.app_context(), main_scope(reason="test"):
            set_cost(sku, cost, "staff:1")
            reprice([sku])

    def buy() -> None:
        with shop.app.app_context(), station_scope(DEER):
            shown = quote(code, 1).payable
        placed = answer(lambda: shop.place(code, expected_payable=shown))
        if isinstance(placed, str):
            outcomes.append(placed)
            return
        assert placed.payable == shown
        attempt = shop.attempt(DEER, shown, order=placed.order_id)
        outcomes.append(shop.pay(DEER, attempt, shown)["code"])

    changes = [partial(change, 90_0000 + 1_0007 * step) for step in range(24)]
    buyers = [buy] * 48
    mixed = [deed for pair in zip(changes, buyers[::2], buyers[1::2], strict=True) for deed in pair]
    at_once(mixed, threads=9)
    assert set(outcomes) <= {"ok", "price_changed"}
    assert outcomes.count("ok") > 0
    chains = shop.owner.execute(
        "SELECT c.cost = k.cost, c.cost + (SELECT sum(m) FROM unnest(c.margins) m) = l.price"
        " FROM price_chain c JOIN sku_cost k USING (sku_id) JOIN listing l USING (station_id, sku_id)"
        " WHERE sku_id = %s", (sku,),
    ).fetchall()  # fmt: skip
    assert chains == [(True, True)] * 3
    shop.assert_books_balance()
