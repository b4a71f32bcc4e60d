"""Placing an order: what is held, what is refused, and that refusals leave nothing behind."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kameng.orders.api import OrderRefused

DEER = 3


def count(shop: Any, code: str, status: int) -> int:
    return int(
        shop.one(
            "SELECT count(*) FROM card c JOIN sku s ON s.id = c.sku_id "
            "WHERE s.code = %s AND c.status = %s",
            code, status,
        )
    )  # fmt: skip


def test_T4_an_order_holds_its_cards_until_it_is_paid(shop: Any) -> None:
    code = shop.sku(cards=5)
    placed = shop.place(code, quantity=2)
    assert placed.payable == 197_2100  # 2 × 98.6050
    assert (count(shop, code, 1), count(shop, code, 0)) == (2, 3)
    assert shop.state(DEER, placed.order_id) == "pending_payment"


def test_total_is_rounded_to_whole_fen_half_up(shop: Any) -> None:
    code = shop.sku(cards=1)
    assert shop.place(code).payable == 98_6100  # 98.6050 → 98.61


def test_same_key_gives_the_same_order_and_the_same_secret(shop: Any) -> None:
    code = shop.sku(cards=5)
    first = shop.place(code, idempotency_key="twice", contact="a@example.com")
    second = shop.place(code, idempotency_key="twice", contact="a@example.com")
    assert (first.order_no, first.secret) == (second.order_no, second.secret)
    assert second.repeated
    assert count(shop, code, 1) == 1


def test_same_key_with_other_content_is_refused(shop: Any) -> None:
    code = shop.sku(cards=5)
    shop.place(code, idempotency_key="other")
    with pytest.raises(OrderRefused, match="conflict"):
        shop.place(code, quantity=2, idempotency_key="other")


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [(0, "quantity_invalid"), (-1, "quantity_invalid"), (10**9, "quantity_invalid"),
     (21, "quantity_invalid"), (6, "out_of_stock")],
)  # fmt: skip
def test_impossible_quantities_are_refused(shop: Any, quantity: int, expected: str) -> None:
    code = shop.sku(cards=5)
    with pytest.raises(OrderRefused, match=expected):
        shop.place(code, quantity=quantity)
    assert count(shop, code, 0) == 5


def test_changed_price_is_asked_about_and_nothing_is_held(shop: Any) -> None:
    code = shop.sku(cards=5)
    with pytest.raises(OrderRefused) as refusal:
        shop.place(code, expected_payable=97_0000)
    assert refusal.value.code == "price_changed"
    assert refusal.value.facts["new_payable"] == 98_6100
    assert count(shop, code, 0) == 5


def test_a_key_is_not_burnt_by_a_refusal(shop: Any) -> None:
    code = shop.sku(cards=0)
    with pytest.raises(OrderRefused, match="out_of_stock"):
        shop.place(code, idempotency_key="again")
    shop.add_cards(code, 1)
    assert shop.place(code, idempotency_key="again").order_no


def test_holds_of_one_shopper_are_capped(shop: Any) -> None:
    code = shop.sku(cards=100)
    shop.place(code, quantity=15, contact="greedy@example.com")
    with pytest.raises(OrderRefused, match="hold_limit"):
        shop.place(code, quantity=6, contact="Greedy@example.com ")
    assert shop.place(code, quantity=6, contact="other@example.com").order_no


def test_no_shopper_holds_more_than_half_of_a_pool(shop: Any) -> None:
    code = shop.sku(cards=16)
    with pytest.raises(OrderRefused, match="hold_limit"):
        shop.place(code, quantity=9)
    assert shop.place(code, quantity=8).order_no


def test_parallel_requests_of_one_shopper_do_not_pass_the_cap_together(shop: Any) -> None:
    code = shop.sku(cards=100)

    def attempt(_n: int) -> bool:
        try:
            shop.place(code, quantity=4, contact="parallel@example.com")
        except OrderRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        placed = sum(pool.map(attempt, range(8)))
    assert placed == 5  # 5 × 4 = the cap of 20


def test_cancelling_gives_the_cards_back_and_may_be_repeated(shop: Any) -> None:
    from kameng.db import station_scope
    from kameng.orders.api import cancel

    code = shop.sku(cards=3)
    placed = shop.place(code, quantity=3)
    for _ in range(2):
        with shop.app.app_context(), station_scope(DEER):
            cancel(placed.order_no, "guest")
    assert count(shop, code, 0) == 3
    assert shop.state(DEER, placed.order_id) == "cancelled"


def test_overdue_orders_expire_and_give_their_cards_back(shop: Any) -> None:
    code = shop.sku(cards=3)
    placed = shop.place(code, quantity=2)
    shop.owner.execute(
        "UPDATE orders SET deadline_at = now() - interval '1 second' WHERE id = %s",
        (placed.order_id,),
    )
    assert shop.guarded("expire_orders", p_limit=100)["expired"] == 1
    assert shop.state(DEER, placed.order_id) == "expired"
    assert count(shop, code, 0) == 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [("UPDATE station SET state = 'suspended' WHERE id = 3", "station_closed"),
     ("UPDATE product SET state = 'off_sale' WHERE slug = lower('{code}')", "not_on_sale"),
     ("UPDATE sku SET state = 'off_sale' WHERE code = '{code}'", "not_on_sale"),
     ("UPDATE listing SET active = false WHERE sku_id = (SELECT id FROM sku WHERE code = '{code}')",
      "not_on_sale")],
)  # fmt: skip
def test_what_is_not_on_sale_is_refused(shop: Any, change: str, expected: str) -> None:
    code = shop.sku(cards=3)
    shop.plant(change.replace("{code}", code))
    try:
        with pytest.raises(OrderRefused, match=expected):
            shop.place(code)
    finally:
        shop.plant("UPDATE station SET state = 'active' WHERE id = 3")
