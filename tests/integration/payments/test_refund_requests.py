"""Money given back by a person: in parts, never above what was paid, never twice."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kameng.errors import Conflict, DomainError, NotFound

DEER = 3
PART = 29_5800  # 30 % of 98.61


def ask(shop: Any, order_no: str, amount: int, key: str) -> tuple[str, str]:
    from kameng.payments.api import request_refund

    with shop.app.app_context():
        try:
            return request_refund(DEER, order_no, amount, "broken", "staff:1", key)
        except DomainError as refusal:
            return refusal.code, ""


def settle(shop: Any, refund_no: str, state: str) -> None:
    shop.guarded(
        "settle_refund", p_station=DEER, p_refund_no=refund_no, p_state=state, p_ref="gw",
        p_message="", p_next="1 minute",
    )  # fmt: skip


def assert_explained(shop: Any) -> None:
    """What is set aside is what open refunds are due, and nothing is left between accounts."""
    due = "SELECT coalesce(sum(amount), 0) FROM refund WHERE state <> 'succeeded'"
    assert shop.balance(DEER, "refund_payable") == shop.one(due)
    assert shop.balance(DEER, "order_clearing") == 0


def test_of_fifty_refunds_of_30_percent_at_once_exactly_three_succeed(shop: Any) -> None:
    placed, _code = shop.buy(shop.sku(cards=1))
    with ThreadPoolExecutor(16) as pool:
        codes = list(
            pool.map(lambda n: ask(shop, placed.order_no, PART, f"part-{n}")[0], range(50))
        )
    assert Counter(codes) == {"ok": 3, "above_paid": 47}
    refunded = shop.one("SELECT refunded FROM orders WHERE id = %s", placed.order_id)
    assert refunded == 3 * PART
    assert shop.state(DEER, placed.order_id) == "delivered"
    assert_explained(shop)
    shop.assert_books_balance()


def test_200_copies_of_one_request_are_one_refund(shop: Any) -> None:
    placed, _code = shop.buy(shop.sku(cards=1))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _n: ask(shop, placed.order_no, PART, "once"), range(200)))
    assert Counter(code for code, _number in answers) == {"ok": 1, "repeat": 199}
    assert len({number for _code, number in answers}) == 1
    assert shop.one("SELECT count(*) FROM refund WHERE order_id = %s", placed.order_id) == 1
    assert ask(shop, placed.order_no, PART + 100, "once")[0] == "request_conflict"
    assert_explained(shop)
    shop.assert_books_balance()


@pytest.mark.parametrize(
    ("amount", "code"),
    [(98_6200, "above_paid"), (0, "amount_invalid"), (-100, "amount_invalid"),
     (150, "amount_invalid"), (10**30, "amount_invalid")],
)  # fmt: skip
def test_what_was_not_paid_is_not_given_back(shop: Any, amount: int, code: str) -> None:
    placed, _code = shop.buy(shop.sku(cards=1))
    assert ask(shop, placed.order_no, amount, "wrong")[0] == code
    assert shop.one("SELECT refunded FROM orders WHERE id = %s", placed.order_id) == 0


def test_only_a_delivered_order_of_this_station_is_refunded(shop: Any) -> None:
    from kameng.payments.api import request_refund

    unpaid = shop.place(shop.sku(cards=1))
    assert ask(shop, unpaid.order_no, PART, "k")[0] == "not_refundable"
    assert ask(shop, "no-such\0order", PART, "k")[0] == "order_unknown"
    sold, _code = shop.buy(shop.sku(cards=1))
    with shop.app.app_context(), pytest.raises(NotFound):
        request_refund(2, sold.order_no, PART, "", "staff:1", "k")


def test_refunds_that_make_the_whole_close_the_order(shop: Any) -> None:
    placed, _code = shop.buy(shop.sku(cards=1))
    first = ask(shop, placed.order_no, PART, "a")[1]
    rest = ask(shop, placed.order_no, 98_6100 - PART, "b")[1]
    assert shop.state(DEER, placed.order_id) == "refunding"
    settle(shop, first, "succeeded")
    assert shop.state(DEER, placed.order_id) == "refunding"
    settle(shop, rest, "succeeded")
    assert shop.state(DEER, placed.order_id) == "refunded"
    assert_explained(shop)
    shop.assert_books_balance()


def test_a_declined_refund_is_tried_again_under_its_own_number(shop: Any) -> None:
    from kameng.payments.api import retry_refund

    placed, _code = shop.buy(shop.sku(cards=1))
    number = ask(shop, placed.order_no, PART, "a")[1]
    with shop.app.app_context(), pytest.raises(Conflict, match="not_declined"):
        retry_refund(DEER, number, "staff:1")
    settle(shop, number, "declined")
    with shop.app.app_context():
        assert retry_refund(DEER, number, "staff:1") == "ok"
    kept = shop.owner.execute(
        "SELECT refund_no, state FROM refund WHERE order_id = %s", (placed.order_id,)
    ).fetchall()
    assert kept == [(number, "unknown")]  # asked about before it is sent again
    assert_explained(shop)
    shop.assert_books_balance()


def test_a_declined_refund_may_be_paid_by_hand_once(shop: Any) -> None:
    from kameng.payments.api import refund_by_hand

    placed, _code = shop.buy(shop.sku(cards=1))
    number = ask(shop, placed.order_no, PART, "a")[1]
    with shop.app.app_context():
        with pytest.raises(Conflict, match="not_declined"):
            refund_by_hand(DEER, number, "staff:1", "bank 17", "")
        settle(shop, number, "declined")
        with pytest.raises(DomainError, match="reference_missing"):
            refund_by_hand(DEER, number, "staff:1", " ", "")
        codes = [refund_by_hand(DEER, number, "staff:1", "bank 17", "") for _ in range(2)]
    assert codes == ["ok", "repeat"]
    assert_explained(shop)
    shop.assert_books_balance()
