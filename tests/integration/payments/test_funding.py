"""O5, M8: a station that collects itself pays the levels above from its prepaid account first."""

from __future__ import annotations

from typing import Any

COST, AT_JIANGNAN = 93_2000, 96_5000  # what Deer owes for one piece is Jiangnan's price
OWN = 3


def pay_in(shop: Any, amount: int) -> None:
    number = shop.attempt(OWN, amount, purpose="prepaid")
    assert shop.pay(OWN, number, amount)["code"] == "topped_up"


def own_attempt(shop: Any, order: Any) -> str:
    number = shop.attempt(OWN, order.payable, order=order.order_id)
    shop.owner.execute(
        "UPDATE payment_attempt SET account_station_id = 3 WHERE attempt_no = %s", (number,)
    )
    return str(number)


def hear(shop: Any, number: str, amount: int, holder: int = OWN, ref: str = "") -> str:
    row = shop.guarded(
        "apply_payment", p_station=OWN, p_attempt_no=number, p_plugin="payment-epay", p_amount=amount, p_currency="CNY",
        p_provider_ref=ref or f"own-{number}", p_source="notice", p_wait=False, p_holder=holder, p_account="",
    )  # fmt: skip
    return str(row["code"])


def held_itself(shop: Any) -> int:
    return int(shop.balance(OWN, "station_gateway"))


def test_it_is_delivered_and_only_the_levels_above_are_paid(shop: Any) -> None:
    pay_in(shop, 200_0000)
    order = shop.place(shop.sku(cards=1))
    before = shop.balance(2, "margin_pending"), shop.balance(OWN, "margin_pending")
    assert hear(shop, own_attempt(shop, order), order.payable) == "ok"
    assert shop.balance(OWN, "prepaid") == 200_0000 - AT_JIANGNAN
    assert (shop.balance(2, "margin_pending"), shop.balance(OWN, "margin_pending")) == (
        before[0] + 1_5000,
        before[1],
    )
    assert held_itself(shop) == 0
    assert shop.one("SELECT count(*) FROM settlement WHERE order_id = %s", order.order_id) == 1


def test_the_word_of_another_account_counts_nothing(shop: Any) -> None:
    pay_in(shop, 200_0000)
    order = shop.place(shop.sku(cards=1))
    number = own_attempt(shop, order)
    assert hear(shop, number, order.payable, holder=1) == "attempt_unknown"
    assert shop.state(OWN, order.order_id) == "pending_payment"
    assert hear(shop, number, order.payable) == "ok"


def test_with_too_little_money_the_goods_wait_and_go_on_when_it_is_there(shop: Any) -> None:
    drain(shop)
    order = shop.place(shop.sku(cards=1))
    assert hear(shop, own_attempt(shop, order), order.payable) == "awaiting_funds"
    assert shop.state(OWN, order.order_id) == "paid"
    assert (
        shop.one("SELECT count(*) FROM card WHERE order_id = %s AND status = 1", order.order_id)
        == 1
    )
    assert shop.guarded("fund_waiting_orders", p_limit=10) == {"funded": 0, "refunded": 0}
    pay_in(shop, AT_JIANGNAN + 3500)
    assert shop.guarded("fund_waiting_orders", p_limit=10) == {"funded": 1, "refunded": 0}
    assert shop.state(OWN, order.order_id) == "delivered"
    assert held_itself(shop) == 0


def test_when_it_does_not_come_in_time_the_shopper_has_his_money_back(shop: Any) -> None:
    drain(shop)
    order = shop.place(shop.sku(cards=1))
    hear(shop, own_attempt(shop, order), order.payable)
    shop.owner.execute(
        "UPDATE orders SET deadline_at = now() - interval '1 s', paid_at = now() - interval '31 min' WHERE id = %s",
        (order.order_id,),
    )
    assert shop.guarded("fund_waiting_orders", p_limit=10) == {"funded": 0, "refunded": 1}
    refund(shop, order.order_id)
    assert shop.state(OWN, order.order_id) == "refunded"
    assert shop.one("SELECT count(*) FROM card WHERE order_id = %s", order.order_id) == 0
    assert held_itself(shop) == 0


def test_a_refund_after_delivery_brings_the_prepaid_money_back_too(shop: Any) -> None:
    drain(shop)
    pay_in(shop, 100_0000)
    order = shop.place(shop.sku(cards=1))
    hear(shop, own_attempt(shop, order), order.payable)
    for key, amount in (("a", 30_0000), ("b", order.payable - 30_0000)):
        assert shop.guarded(
            "refund_order", p_station=OWN, p_order_no=order.order_no, p_amount=amount, p_note="n", p_actor="staff:1", p_key=key
        )["code"] == "ok"  # fmt: skip
    refund(shop, order.order_id)
    assert shop.state(OWN, order.order_id) == "refunded"
    assert shop.balance(OWN, "prepaid") == 100_0000
    assert held_itself(shop) == 0


def test_what_a_person_fulfils_is_paid_for_first_and_comes_back_when_he_gives_up(shop: Any) -> None:
    drain(shop)
    pay_in(shop, 100_0000)
    order = shop.place(shop.sku("top_up"))
    assert hear(shop, own_attempt(shop, order), order.payable) == "awaiting_fulfilment"
    assert shop.balance(OWN, "prepaid") == 100_0000 - AT_JIANGNAN
    assert (
        shop.guarded(
            "fail_order", p_station=OWN, p_order_id=order.order_id, p_reason="no", p_actor="staff:1"
        )["code"]
        == "ok"
    )
    assert shop.balance(OWN, "prepaid") == 100_0000
    refund(shop, order.order_id)
    assert held_itself(shop) == 0


def test_what_is_held_for_review_is_paid_for_when_it_is_let_go(shop: Any) -> None:
    drain(shop)
    order = shop.place(shop.sku(cards=1), risk=("review", []))
    assert hear(shop, own_attempt(shop, order), order.payable) == "held"
    release = {
        "p_station": OWN,
        "p_order_id": order.order_id,
        "p_actor": "staff:1",
        "p_reason": "known",
    }
    assert shop.guarded("release_held", **release)["code"] == "station_funds"
    pay_in(shop, 100_0000)
    assert shop.guarded("release_held", **release)["code"] == "ok"
    assert held_itself(shop) == 0


def drain(shop: Any) -> None:
    """Nothing is left in the prepaid account."""
    if left := shop.balance(OWN, "prepaid"):
        made = shop.guarded(
            "request_adjustment", p_station=OWN, p_debit_kind="prepaid", p_debit_ref="", p_credit_kind="adjustment", p_credit_ref="",
            p_amount=left, p_reason="empty it", p_actor="staff:1", p_key=f"drain-{shop.one('SELECT count(*) FROM adjustment')}",
        )  # fmt: skip
        approval = shop.one(
            "SELECT id FROM approval WHERE kind = 'adjustment' AND subject = %s", str(made["id"])
        )
        vote = {"p_station": OWN, "p_id": approval, "p_agrees": True, "p_reason": ""}
        assert shop.guarded("vote_approval", p_actor="staff:1", **vote)["code"] == "same_person"
        assert shop.guarded("vote_approval", p_actor="staff:2", **vote)["code"] == "approved"
        assert shop.guarded("post_adjustment", p_station=OWN, p_id=made["id"])["code"] == "ok"
    assert shop.balance(OWN, "prepaid") == 0


def refund(shop: Any, order_id: int) -> None:
    """The gateway gives back all that is open."""
    for (number,) in shop.owner.execute(
        "SELECT refund_no FROM refund WHERE order_id = %s AND state <> 'succeeded'", (order_id,)
    ).fetchall():
        shop.guarded(
            "settle_refund",
            p_station=OWN,
            p_refund_no=number,
            p_state="succeeded",
            p_ref="r",
            p_message="",
            p_next=None,
        )
