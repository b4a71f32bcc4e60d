"""T6: what is given back after delivery comes back from every level, to the unit."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kameng.db import station_scope
from kameng.payments import api as payments

COST, AT_MAIN, AT_JIANGNAN, AT_DEER = 93_2000, 95_0000, 96_5000, 98_6050
LEVELS = {
    (1, "goods_cost"): COST,
    (1, "revenue"): AT_MAIN - COST,
    (2, "margin_pending"): AT_JIANGNAN - AT_MAIN,
    (3, "margin_pending"): AT_DEER - AT_JIANGNAN,
    (1, "rounding"): 50,  # 98.605 is paid as 98.61
}


def give_back(shop: Any, order_no: str, amount: int, key: str) -> str:
    done = shop.guarded(
        "refund_order", p_station=3, p_order_no=order_no, p_amount=amount, p_note="did not work",
        p_actor="staff:1", p_key=key,
    )  # fmt: skip
    return str(done["code"])


def earned(shop: Any) -> dict[tuple[int, str], int]:
    return {level: shop.balance(*level) for level in LEVELS}


def sold(shop: Any, quantity: int = 1) -> Any:
    placed, code = shop.buy(shop.sku(cards=quantity), quantity=quantity)
    assert code == "ok"
    return placed


def test_T6_all_of_it_in_random_parts_is_exactly_what_was_earned(shop: Any) -> None:
    chance = random.Random(7)
    for _ in range(12):
        before = earned(shop)
        order = sold(shop)
        assert earned(shop) == {level: before[level] + share for level, share in LEVELS.items()}
        left, number, worst = order.payable, 0, 0
        while left:
            part = min(left, chance.randint(1, 4000) * 100)
            assert give_back(shop, order.order_no, part, f"k{number}") == "ok"
            left, number = left - part, number + 1
            for level, share in LEVELS.items():
                fair = share * left / order.payable
                worst = max(worst, abs(earned(shop)[level] - before[level] - fair))
        assert earned(shop) == before
        assert worst < len(LEVELS)  # never further than a few units from the fair share
        assert shop.state(3, order.order_id) == "refunding"


def test_P5_more_than_was_paid_is_refused_and_says_what_is_left(shop: Any) -> None:
    order = sold(shop)
    assert give_back(shop, order.order_no, order.payable + 100, "a") == "above_paid"
    assert give_back(shop, order.order_no, 50_0000, "b") == "ok"
    assert give_back(shop, order.order_no, order.payable - 50_0000 + 100, "c") == "above_paid"
    assert give_back(shop, order.order_no, order.payable - 50_0000, "d") == "ok"
    assert give_back(shop, order.order_no, 100, "e") == "bad_state"  # all of it is on its way


@pytest.mark.parametrize("amount", [0, -100, 50, 1_0001])
def test_only_whole_fen_above_nothing_are_given_back(shop: Any, amount: int) -> None:
    assert give_back(shop, sold(shop).order_no, amount, "k") == "amount_invalid"


def test_the_same_key_is_one_refund_and_another_amount_under_it_a_conflict(shop: Any) -> None:
    order = sold(shop)
    assert [give_back(shop, order.order_no, 1_0000, "k") for _ in range(3)] == [
        "ok",
        "repeat",
        "repeat",
    ]
    assert give_back(shop, order.order_no, 2_0000, "k") == "conflict"
    assert shop.one("SELECT refunded FROM orders WHERE id = %s", order.order_id) == 1_0000


def test_an_unpaid_order_has_nothing_to_give_back(shop: Any) -> None:
    order = shop.place(shop.sku(cards=1))
    assert give_back(shop, order.order_no, 1_0000, "k") == "bad_state"
    assert give_back(shop, "nobody's", 1_0000, "k") == "not_found"


def test_a_wallet_has_its_part_at_once_and_the_order_stands(shop: Any) -> None:
    member = shop.member(3, balance=200_0000)
    order = shop.place(shop.sku(cards=1), member_id=member)
    with shop.app.app_context(), station_scope(3):
        assert payments.pay_with_balance(order.order_no, member) == "ok"
    assert give_back(shop, order.order_no, 8_6100, "k") == "ok"
    assert shop.balance(3, "wallet", str(member)) == 200_0000 - order.payable + 8_6100
    assert shop.state(3, order.order_id) == "delivered"
    assert give_back(shop, order.order_no, order.payable - 8_6100, "rest") == "ok"
    assert shop.balance(3, "wallet", str(member)) == 200_0000
    assert shop.state(3, order.order_id) == "refunded"
