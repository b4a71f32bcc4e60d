"""From a verified notice to the card: every way it can come, early, late, twice, wrong."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.properties.hands import DECLINE, OPEN_AT_DESK, TAKE, handed_over

MAIN, JIANGNAN, DEER = 1, 2, 3


def sold(shop: Any, placed: Any) -> int:
    return int(
        shop.one(
            "SELECT count(*) FROM card WHERE station_id = 3 AND order_id = %s AND status = 2",
            placed.order_id,
        )
    )


def test_T4_payment_delivers_cards_and_splits_the_money(shop: Any) -> None:
    before = {k: shop.balance(s, k) for s, k in ((1, "goods_cost"), (1, "revenue"))}
    margins = {s: shop.balance(s, "margin_pending") for s in (JIANGNAN, DEER)}
    placed, code = shop.buy(shop.sku(cards=3), quantity=2, fee=1_1800)
    assert code == "ok"
    assert shop.state(DEER, placed.order_id) == "delivered"
    assert sold(shop, placed) == 2
    assert shop.balance(MAIN, "goods_cost") - before["goods_cost"] == 2 * 93_2000
    assert shop.balance(MAIN, "revenue") - before["revenue"] == 2 * 1_8000
    assert shop.balance(JIANGNAN, "margin_pending") - margins[JIANGNAN] == 2 * 1_5000
    assert shop.balance(DEER, "margin_pending") - margins[DEER] == 2 * 2_1050
    shop.assert_books_balance()


def test_rounding_difference_is_posted_not_lost(shop: Any) -> None:
    before = shop.balance(MAIN, "rounding")
    shop.buy(shop.sku(cards=1))
    assert shop.balance(MAIN, "rounding") - before == 50  # 98.61 − 98.6050
    shop.assert_books_balance()


def test_copies_of_one_notice_have_one_effect(shop: Any) -> None:
    placed = shop.place(shop.sku(cards=3))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
    with ThreadPoolExecutor(16) as pool:
        codes = list(
            pool.map(lambda _n: shop.pay(DEER, attempt, placed.payable)["code"], range(100))
        )
    assert sorted(set(codes)) == ["ok", "repeat"]
    assert codes.count("ok") == 1
    assert sold(shop, placed) == 1
    shop.assert_books_balance()


@pytest.mark.parametrize("difference", [100, -100, 98_0000])
def test_wrong_amount_is_held_for_a_person(shop: Any, difference: int) -> None:
    placed = shop.place(shop.sku(cards=3))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
    assert shop.pay(DEER, attempt, placed.payable + difference)["code"] == "amount_mismatch"
    assert shop.state(DEER, placed.order_id) == "pending_payment"
    assert shop.one("SELECT count(*) FROM alert WHERE kind = 'payment_amount' AND state = 'open'")
    shop.assert_books_balance()


def test_notice_of_another_station_or_channel_is_unknown(shop: Any) -> None:
    placed = shop.place(shop.sku(cards=3))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
    assert shop.pay(JIANGNAN, attempt, placed.payable)["code"] == "attempt_unknown"
    other = shop.pay(DEER, attempt, placed.payable, plugin="payment-stripe")
    assert other["code"] == "attempt_unknown"
    assert shop.state(DEER, placed.order_id) == "pending_payment"


def expire(shop: Any, placed: Any) -> None:
    shop.owner.execute(
        "UPDATE orders SET deadline_at = now() - interval '1 second' WHERE id = %s",
        (placed.order_id,),
    )
    shop.guarded("expire_orders", p_limit=1000)


def test_late_payment_is_served_while_there_are_cards(shop: Any) -> None:
    placed = shop.place(shop.sku(cards=3))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
    expire(shop, placed)
    assert shop.pay(DEER, attempt, placed.payable)["code"] == "ok"
    assert sold(shop, placed) == 1
    shop.assert_books_balance()


def test_late_payment_without_cards_goes_back(shop: Any) -> None:
    code = shop.sku(cards=1)
    placed = shop.place(code)
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
    expire(shop, placed)
    shop.buy(code)
    assert shop.pay(DEER, attempt, placed.payable)["code"] == "refund_late"
    assert shop.state(DEER, placed.order_id) == "refunding"
    shop.assert_books_balance()
    refund_no = shop.one("SELECT refund_no FROM refund WHERE order_id = %s", placed.order_id)
    for expected in ("ok", "repeat"):
        row = shop.guarded(
            "settle_refund", p_station=DEER, p_refund_no=refund_no, p_state="succeeded",
            p_ref="gw", p_message="", p_next=None,
        )  # fmt: skip
        assert row["code"] == expected
    assert shop.state(DEER, placed.order_id) == "refunded"
    shop.assert_books_balance()


def test_second_attempt_paid_too_is_returned_as_surplus(shop: Any) -> None:
    placed = shop.place(shop.sku(cards=3))
    attempts = [shop.attempt(DEER, placed.payable, order=placed.order_id) for _ in range(2)]
    codes = [shop.pay(DEER, attempt, placed.payable)["code"] for attempt in attempts]
    assert codes == ["ok", "refund_surplus"]
    assert shop.state(DEER, placed.order_id) == "delivered"
    assert (
        shop.one("SELECT reason FROM refund WHERE order_id = %s", placed.order_id) == "paid_twice"
    )
    shop.assert_books_balance()


def test_one_attempt_paid_twice_is_returned_as_surplus(shop: Any) -> None:
    placed = shop.place(shop.sku(cards=3))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
    codes = [
        shop.pay(DEER, attempt, placed.payable, ref=ref)["code"] for ref in ("a", "b", "b", "a")
    ]
    assert codes == ["ok", "refund_surplus", "repeat", "repeat"]
    shop.assert_books_balance()


def test_balance_pays_at_once_and_never_below_zero(shop: Any) -> None:
    from kameng.db import station_scope
    from kameng.ledger.api import wallet
    from kameng.payments.api import PaymentRefused, pay_with_balance

    code = shop.sku(cards=5)
    member = shop.member(DEER, balance=150_0000)
    placed = [shop.place(code, member_id=member) for _ in range(2)]
    with shop.app.app_context(), station_scope(DEER):
        assert pay_with_balance(placed[0].order_no, member) == "ok"
        assert pay_with_balance(placed[0].order_no, member) == "repeat"
        assert wallet(member) == 150_0000 - 98_6100
        with pytest.raises(PaymentRefused, match="insufficient_funds"):
            pay_with_balance(placed[1].order_no, member)
    assert shop.state(DEER, placed[1].order_id) == "pending_payment"
    shop.assert_books_balance()


def test_parallel_payments_from_one_wallet_spend_it_once(shop: Any) -> None:
    from kameng.db import station_scope
    from kameng.payments.api import PaymentRefused, pay_with_balance

    code = shop.sku(cards=20)
    member = shop.member(DEER, balance=300_0000)  # enough for three
    numbers = [shop.place(code, member_id=member).order_no for _ in range(8)]

    def pay(number: str) -> str:
        with shop.app.app_context(), station_scope(DEER):
            try:
                return pay_with_balance(number, member)
            except PaymentRefused as refusal:
                return refusal.code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(pay, numbers))
    assert codes.count("ok") == 3
    assert codes.count("insufficient_funds") == 5
    shop.assert_books_balance()


def test_somebody_elses_order_cannot_be_paid_from_a_wallet(shop: Any) -> None:
    from kameng.db import station_scope
    from kameng.errors import NotFound
    from kameng.payments.api import pay_with_balance

    code = shop.sku(cards=5)
    owner, other = shop.member(DEER, balance=200_0000), shop.member(DEER, balance=200_0000)
    placed = shop.place(code, member_id=owner)
    with shop.app.app_context(), station_scope(DEER), pytest.raises(NotFound):
        pay_with_balance(placed.order_no, other)


def test_held_by_risk_until_a_person_decides(shop: Any) -> None:
    code = shop.sku(cards=5)
    released, refused = (shop.place(code, risk=("review", ["velocity"])) for _ in range(2))
    for placed in (released, refused):
        attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
        assert shop.pay(DEER, attempt, placed.payable)["code"] == "held"
    shop.assert_books_balance()
    common = {"p_station": DEER, "p_actor": "staff:1", "p_reason": "looked at it"}
    for expected in ("ok", "repeat"):
        assert (
            shop.guarded("release_held", p_order_id=released.order_id, **common)["code"] == expected
        )
        assert (
            shop.guarded("refuse_held", p_order_id=refused.order_id, **common)["code"] == expected
        )
    assert shop.state(DEER, released.order_id) == "delivered"
    assert shop.state(DEER, refused.order_id) == "refunding"
    shop.assert_books_balance()


def test_top_up_goods_wait_for_supply_then_deliver_or_fail(shop: Any) -> None:
    code = shop.sku(kind="top_up")
    done, failed = shop.buy(code), shop.buy(code)
    assert done[1] == failed[1] == "awaiting_fulfilment"

    def run(sql: str, **values: Any) -> Any:
        return shop.owner.execute(sql.encode(), values).fetchone()

    opened, purchase = run(OPEN_AT_DESK, station=DEER, order=failed[0].order_id, number="d1")
    assert opened == "ok"
    assert run(TAKE, station=DEER, purchase=purchase)
    shop.assert_books_balance()
    assert handed_over(run, DEER, done[0].order_id) == "ok"
    assert shop.state(DEER, done[0].order_id) == "delivered"

    giving_up = {"p_station": DEER, "p_order_id": failed[0].order_id, "p_reason": "停机"}
    giving_up["p_actor"] = "staff:1"
    assert shop.guarded("fail_order", **giving_up)["code"] == "purchase_open"
    run(DECLINE, station=DEER, purchase=purchase)
    assert shop.guarded("fail_order", **giving_up)["code"] == "ok"
    assert shop.state(DEER, failed[0].order_id) == "refunding"
    shop.assert_books_balance()


def test_32_buyers_of_100_cards_with_132_orders(shop: Any) -> None:
    """The race of the peers' users: no card twice, nobody pays for nothing while one is left."""
    from kameng.orders.api import OrderRefused

    code = shop.sku(cards=100)

    def buyer(_n: int) -> str:
        try:
            placed = shop.place(code)
        except OrderRefused as refusal:
            return refusal.code
        attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
        with ThreadPoolExecutor(3) as notices:
            codes = list(
                notices.map(lambda _c: shop.pay(DEER, attempt, placed.payable)["code"], range(3))
            )
        assert codes.count("ok") == 1
        return "ok"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(buyer, range(132)))
    assert (results.count("ok"), results.count("out_of_stock")) == (100, 32)
    distinct = shop.one(
        "SELECT count(DISTINCT order_id) FROM card c JOIN sku s ON s.id = c.sku_id "
        "WHERE s.code = %s AND c.status = 2",
        code,
    )
    assert distinct == 100
    shop.assert_books_balance()
