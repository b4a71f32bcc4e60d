"""Hands at the same moment, on real connections: one effect, equal answers, nothing lost."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest

from kameng.db import main_scope, station_scope
from kameng.jobs.api import drain
from kameng.orders.api import cancel, expire_overdue
from kameng.payments import api as payments
from kameng.payments import tasks as payment_tasks
from kameng.risk import api as risk
from kameng.supply import api as supply
from kameng.supply import tasks as supply_tasks

from .gate import PLUGIN, Gate, notice
from .hands import answer, at_once, while_held_open

DEER = 3
PRICE = 98_6100
SUBSCRIBERS = (payment_tasks, supply_tasks)  # their import subscribes them to the outbox


def in_station(shop: Any, call: Any) -> Any:
    with shop.app.app_context(), station_scope(DEER):
        return answer(call)


def in_main(shop: Any, call: Any) -> Any:
    with shop.app.app_context(), main_scope(reason="test"):
        return answer(call)


def pay_by_balance(shop: Any, number: str, member: int) -> Any:
    return in_station(shop, lambda: payments.pay_with_balance(number, member))


def cards(shop: Any, code: str) -> dict[int, int]:
    rows = shop.owner.execute(
        "SELECT c.status, count(*) FROM card c JOIN sku s ON s.id = c.sku_id"
        " WHERE s.code = %s GROUP BY 1", (code,),
    ).fetchall()  # fmt: skip
    return dict(rows)


def wallet(shop: Any, member: int) -> int:
    return int(
        shop.one(
            "SELECT b.balance FROM account a JOIN account_balance b ON b.account_id = a.id"
            " WHERE a.kind = 'wallet' AND a.ref = %s",
            str(member),
        )
    )


def paid(shop: Any, code: str = "", **order: Any) -> Any:
    """An order paid at the gate."""
    placed = shop.place(code or shop.sku(cards=3), **order)
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id, plugin=PLUGIN)
    shop.pay(DEER, attempt, placed.payable, plugin=PLUGIN)
    return placed


def test_L3_200_duplicates_of_one_request_are_one_order_and_200_equal_answers(shop: Any) -> None:
    code = shop.sku(cards=50)
    key = secrets.token_hex(8)
    place = partial(shop.place, code, contact="a@example.com", idempotency_key=key)
    answers = at_once([place] * 200)
    assert len({(a.order_id, a.order_no, a.secret, a.payable, a.expires_at) for a in answers}) == 1
    assert [a.repeated for a in answers].count(False) == 1
    assert cards(shop, code) == {0: 49, 1: 1}
    assert shop.one("SELECT count(*) FROM orders WHERE idempotency_key = %s", key) == 1


def test_P2_100_copies_of_one_notice_have_one_effect_and_100_answers(shop: Any, gate: Gate) -> None:
    placed = shop.place(shop.sku(cards=3))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id, plugin=PLUGIN)
    told = notice(attempt, "g-once", placed.payable)

    def hear() -> tuple[int, str | bytes]:
        with shop.app.app_context():
            reply = payments.handle_webhook(PLUGIN, gate.token, told)
            return reply.status, reply.body

    assert set(at_once([hear] * 100)) == {(200, "success")}
    stored = shop.owner.execute(
        "SELECT times, result FROM payment_notice WHERE attempt_no = %s", (attempt,)
    ).fetchall()
    assert stored == [(100, "ok")]
    assert shop.one("SELECT count(*) FROM card WHERE order_id = %s", placed.order_id) == 1
    events = "SELECT count(*) FROM order_event WHERE station_id = 3 AND order_id = %s"
    assert shop.one(events, placed.order_id) == 3  # placed, paid, delivered
    shop.assert_books_balance()


def test_S10_64_buyers_of_20_cards_get_exactly_20(shop: Any) -> None:
    code = shop.sku(cards=20)

    def buy() -> str:
        placed = answer(lambda: shop.place(code))
        if isinstance(placed, str):
            return placed
        attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
        return str(shop.pay(DEER, attempt, placed.payable)["code"])

    codes = at_once([buy] * 64)
    assert (codes.count("ok"), codes.count("out_of_stock")) == (20, 44)
    assert cards(shop, code) == {2: 20}
    shop.assert_books_balance()


def test_L5_a_wallet_pays_as_many_orders_as_it_has_money_for(shop: Any) -> None:
    code = shop.sku(cards=40)
    member = shop.member(DEER, balance=5 * PRICE + 1_0000)
    orders = [shop.place(code, member_id=member) for _ in range(12)]
    # Each order by three clicks: a click that comes second finds it paid.
    codes = at_once([partial(pay_by_balance, shop, o.order_no, member) for o in orders * 3])
    assert codes.count("ok") == 5
    assert set(codes) == {"ok", "repeat", "insufficient_funds"}
    assert wallet(shop, member) == 1_0000
    assert cards(shop, code)[2] == 5
    shop.assert_books_balance()


def test_a_top_up_that_arrives_during_payments_is_not_lost(shop: Any) -> None:
    member = shop.member(DEER, balance=PRICE)
    code = shop.sku(cards=40)
    orders = [shop.place(code, member_id=member) for _ in range(6)]
    fills = [shop.attempt(DEER, PRICE, purpose="top_up", member=member) for _ in range(3)]
    at_once(
        [partial(pay_by_balance, shop, o.order_no, member) for o in orders]
        + [partial(shop.pay, DEER, attempt, PRICE) for attempt in fills * 2]
    )
    delivered = cards(shop, code).get(2, 0)
    assert 1 <= delivered <= 4
    assert wallet(shop, member) == (4 - delivered) * PRICE
    shop.assert_books_balance()


def run_out(shop: Any, order_id: int) -> None:
    shop.owner.execute(
        "UPDATE orders SET deadline_at = now() - interval '1 second' WHERE id = %s", (order_id,)
    )


@pytest.mark.parametrize("end", ["expire", "cancel"])
def test_P4_an_order_that_ends_while_it_is_paid_has_a_card_or_its_money_back(
    shop: Any, gate: Gate, end: str
) -> None:
    code = shop.sku(cards=30)
    for _ in range(30):
        placed = shop.place(code)
        attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
        run_out(shop, placed.order_id)

        def over(number: str = placed.order_no) -> Any:
            if end == "expire":
                return in_main(shop, expire_overdue)
            return in_station(shop, lambda: cancel(number, "guest"))

        pay = partial(shop.pay, DEER, attempt, placed.payable)
        _over, result = at_once([over, pay])
        assert result["code"] == "ok"  # its own card, or another from the pool
        assert shop.state(DEER, placed.order_id) == "delivered"
    assert cards(shop, code) == {2: 30}
    shop.assert_books_balance()


@pytest.mark.parametrize("paid_first", [True, False])
def test_P4_the_last_card_goes_to_one_of_two_who_pay_late_and_the_other_has_the_money_back(
    shop: Any, database: str, paid_first: bool
) -> None:
    code = shop.sku(cards=1)
    late = shop.place(code)
    late_attempt = shop.attempt(DEER, late.payable, order=late.order_id)
    run_out(shop, late.order_id)
    in_main(shop, expire_overdue)
    fresh = shop.place(code)
    attempt = shop.attempt(DEER, fresh.payable, order=fresh.order_id)
    both = [
        partial(shop.pay, DEER, late_attempt, late.payable),
        partial(shop.pay, DEER, attempt, fresh.payable),
    ]
    codes = [row["code"] for row in at_once(both if paid_first else both[::-1])]
    assert sorted(codes) == ["ok", "refund_late"]
    assert shop.state(DEER, fresh.order_id) == "delivered"  # it held the card
    shop.assert_books_balance()


def test_R4_release_and_refuse_at_once_decide_once(shop: Any, gate: Gate) -> None:
    code = shop.sku(cards=12)
    for _ in range(10):
        held = paid(shop, code, risk=("review", []))
        decide = [
            partial(in_main, shop, partial(one, DEER, held.order_id, "staff:1", "now"))
            for one in (risk.release, risk.refuse)
        ]
        codes = at_once(decide * 3)
        assert codes.count("ok") == 1
        assert set(codes) <= {"ok", "repeat", "order_moved"}
        assert shop.state(DEER, held.order_id) in ("delivered", "refunding")
    shop.assert_books_balance()


def test_T4_completing_and_giving_up_at_once_decide_once(shop: Any, gate: Gate) -> None:
    code = shop.sku(kind="manual")
    for _ in range(6):
        order = paid(shop, code)
        with shop.app.app_context():
            drain()
        purchase = shop.one("SELECT id FROM purchase WHERE order_id = %s", order.order_id)
        decide = [
            partial(in_main, shop, partial(one, DEER, purchase, "done", "staff:1"))
            for one in (supply.complete, supply.fail)
        ]
        codes = at_once(decide * 3)
        assert codes.count("ok") == 1
        assert set(codes) <= {"ok", "repeat", "already_failed", "already_delivered"}
        with shop.app.app_context():
            drain()  # nobody else sells it: what was given up is paid back
        refunds = shop.one("SELECT count(*) FROM refund WHERE order_id = %s", order.order_id)
        assert (shop.state(DEER, order.order_id), refunds) in (("delivered", 0), ("refunded", 1))
    shop.assert_books_balance()


def refused(shop: Any) -> tuple[Any, int]:
    """A paid order that risk has refused, and the id of its refund."""
    order = paid(shop, risk=("review", []))
    in_main(shop, lambda: risk.refuse(DEER, order.order_id, "staff:1", "no"))
    return order, shop.one("SELECT id FROM refund WHERE order_id = %s", order.order_id)


def test_P5_steps_of_one_refund_at_once_call_the_gateway_once(shop: Any, gate: Gate) -> None:
    order, refund = refused(shop)

    def step() -> str:
        with shop.app.app_context():
            return payments.send_refund(DEER, refund)

    states = at_once([step] * 24)
    assert (states.count("succeeded"), states.count("not_due")) == (1, 23)
    assert len(gate.refund_calls) == 1
    assert shop.state(DEER, order.order_id) == "refunded"
    shop.assert_books_balance()


def settle_sql(number: str) -> tuple[str, list[Any]]:
    words = "SELECT code FROM settle_refund(3, %s, 'succeeded', 'r', '', NULL)"
    return words, [number]


def settle(shop: Any, number: str) -> str:
    row = shop.guarded(
        "settle_refund", p_station=DEER, p_refund_no=number, p_state="succeeded", p_ref="r",
        p_message="", p_next=None,
    )  # fmt: skip
    return str(row["code"])


def numbers(shop: Any, order_id: int) -> list[str]:
    rows = shop.owner.execute(
        "SELECT refund_no FROM refund WHERE order_id = %s ORDER BY id", (order_id,)
    ).fetchall()
    return [row[0] for row in rows]


def test_F5_two_refunds_that_end_at_the_same_moment_close_their_order(
    shop: Any, gate: Gate, database: str
) -> None:
    """Each sees the other one open: without a lock nobody would close the order, ever."""
    placed = shop.place(shop.sku(cards=3), risk=("review", []))
    for ref in ("g1", "g2"):  # paid twice
        attempt = shop.attempt(DEER, placed.payable, order=placed.order_id, plugin=PLUGIN)
        shop.pay(DEER, attempt, placed.payable, ref=f"{placed.order_no}{ref}", plugin=PLUGIN)
    in_main(shop, lambda: risk.refuse(DEER, placed.order_id, "staff:1", "no"))
    one, two = numbers(shop, placed.order_id)
    first, second = while_held_open(database, settle_sql(one), lambda: settle(shop, two))
    assert (first[0], second) == ("ok", "ok")
    assert shop.state(DEER, placed.order_id) == "refunded"
    shop.assert_books_balance()


def test_F5_a_refund_that_ends_while_its_order_is_refused_closes_it(
    shop: Any, gate: Gate, database: str
) -> None:
    """Paid from the wallet and at the gate; the surplus is back just as a person refuses."""
    member = shop.member(DEER, balance=2 * PRICE)
    placed = shop.place(shop.sku(cards=3), member_id=member, risk=("review", []))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id, plugin=PLUGIN)
    assert pay_by_balance(shop, placed.order_no, member) == "held"
    shop.pay(DEER, attempt, placed.payable, plugin=PLUGIN)
    (surplus,) = numbers(shop, placed.order_id)
    refuse = ("SELECT code FROM refuse_held(3, %s, 'staff:1', 'no')", [placed.order_id])
    first, second = while_held_open(database, refuse, lambda: settle(shop, surplus))
    assert (first[0], second) == ("ok", "ok")
    assert shop.state(DEER, placed.order_id) == "refunded"
    assert wallet(shop, member) == 2 * PRICE
    shop.assert_books_balance()


def test_T6_a_roll_up_that_waited_does_not_move_the_mark_back(shop: Any, database: str) -> None:
    """It began before a sale and comes after a roll-up that has counted it: counting it again is wrong."""
    shop.buy(shop.sku(cards=1))
    with psycopg.connect(database) as first, ThreadPoolExecutor(1) as pool:
        first.execute("SELECT pg_advisory_xact_lock(hashtext('roll_up_accounts'))")
        waiting = pool.submit(shop.guarded, "roll_up_accounts")
        while not shop.one(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        ):
            assert not waiting.done()
        shop.buy(shop.sku(cards=1))
        first.execute("SELECT * FROM roll_up_accounts()")
        first.commit()
        waiting.result(20)
    shop.guarded("roll_up_accounts")
    shop.assert_books_balance()
