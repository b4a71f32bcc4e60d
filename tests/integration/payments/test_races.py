"""Several things at once to one order: whatever comes first, money and goods agree in the end."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest

DEER = 3
FAIL = "SELECT code FROM fail_order(3, %s, 'no supplier', 'staff:1')"
PAY = "SELECT code FROM apply_payment(3, %s, 'payment-epay', %s, 'CNY', %s, 'notice', true)"
SETTLE = "SELECT code FROM settle_refund(3, %s, 'succeeded', 'r', '', interval '5 s')"


@contextmanager
def held_open(url: str, sql: str, *params: Any) -> Iterator[str]:
    """A statement whose transaction is committed at the end of the block; gives its code."""
    with psycopg.connect(url) as connection:
        row = connection.execute(sql.encode(), params).fetchone()
        yield row[0] if row else ""


def run(url: str, sql: str, *params: Any) -> str:
    with held_open(url, sql, *params) as code:
        return code


def meanwhile(work: Callable[[], Any]) -> Callable[[], Any]:
    """Start work that will have to wait; the result is a function that waits for its answer."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    threading.Event().wait(0.15)  # it has reached its lock
    return lambda: (future.result(10), pool.shutdown())[0]


@pytest.fixture
def topped_up(shop: Any) -> Any:
    """A paid order that no card delivers, its attempt and its price."""
    placed = shop.place(shop.sku(kind="top_up"))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
    shop.pay(DEER, attempt, placed.payable, ref=f"first-{attempt}")
    return placed, attempt


def refunds(shop: Any, order_id: int) -> list[tuple[str, str]]:
    return shop.owner.execute(
        "SELECT refund_no, reason FROM refund WHERE order_id = %s ORDER BY id", (order_id,)
    ).fetchall()


@pytest.mark.parametrize("failed_first", [True, False])
def test_failing_and_being_paid_twice_at_once_makes_two_refunds(
    shop: Any, topped_up: Any, database: str, failed_first: bool
) -> None:
    placed, attempt = topped_up
    fail = (FAIL, placed.order_id)
    paid_again = (PAY, attempt, placed.payable, f"second-{attempt}")
    first, second = (fail, paid_again) if failed_first else (paid_again, fail)
    with held_open(database, *first):
        answer = meanwhile(lambda: run(database, *second))
    assert answer() == ("refund_surplus" if failed_first else "ok")
    numbers = {number for number, _reason in refunds(shop, placed.order_id)}
    assert numbers == {f"R{attempt}01", f"R{attempt}02"}
    shop.assert_books_balance()


def test_an_order_is_refunded_though_its_last_two_refunds_end_at_once(
    shop: Any, topped_up: Any, database: str
) -> None:
    placed, _attempt = topped_up
    other = shop.attempt(DEER, placed.payable, order=placed.order_id)
    assert shop.pay(DEER, other, placed.payable)["code"] == "refund_surplus"
    assert run(database, FAIL, placed.order_id) == "ok"
    (one, _), (two, _) = refunds(shop, placed.order_id)
    with held_open(database, SETTLE, one):
        answer = meanwhile(lambda: run(database, SETTLE, two))
    assert answer() == "ok"
    assert shop.state(DEER, placed.order_id) == "refunded"
    shop.assert_books_balance()


def test_a_held_order_whose_cards_are_gone_is_refused_not_broken(shop: Any) -> None:
    from kameng.db import main_scope
    from kameng.errors import Conflict
    from kameng.risk.api import refuse, release

    code = shop.sku(cards=1)
    placed = shop.place(code, risk=("review", ["velocity"]))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
    shop.owner.execute("UPDATE orders SET deadline_at = now() WHERE id = %s", (placed.order_id,))
    shop.guarded("expire_orders", p_limit=1000)
    shop.buy(code)
    assert shop.pay(DEER, attempt, placed.payable)["code"] == "held"
    with shop.app.app_context(), main_scope(reason="test"):
        with pytest.raises(Conflict, match="out_of_stock"):
            release(DEER, placed.order_id, "staff:1", "known customer")
        assert refuse(DEER, placed.order_id, "staff:1", "no card") == "ok"
    assert shop.state(DEER, placed.order_id) == "refunding"
    shop.assert_books_balance()


def test_money_of_another_currency_found_by_a_query_is_not_taken_for_ours(shop: Any) -> None:
    from kameng.payments.api import apply_payment

    placed = shop.place(shop.sku(cards=1))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id)
    given = (DEER, "payment-epay", attempt, placed.payable, "x", "query")
    with shop.app.app_context():
        assert apply_payment(*given, currency="USD") == "currency_mismatch"
    assert shop.state(DEER, placed.order_id) == "pending_payment"


def test_P4_pay_twice_cancel_and_expire_at_once_end_in_the_price_or_nothing(shop: Any) -> None:
    from kameng.db import station_scope
    from kameng.errors import DomainError
    from kameng.orders.api import cancel
    from kameng.payments.api import pay_with_balance

    code, dice = shop.sku(cards=30), random.Random(20261125)
    member = shop.member(DEER, balance=40 * 98_6100)

    def with_shop(work: Callable[[], Any]) -> None:
        # A refusal is an answer.
        with shop.app.app_context(), station_scope(DEER), suppress(DomainError):
            work()

    def barrage(_n: int) -> int:
        placed = shop.place(code, member_id=member)
        attempts = [shop.attempt(DEER, placed.payable, order=placed.order_id) for _ in range(2)]
        due = "UPDATE orders SET deadline_at = now() - interval '1 s' WHERE id = %s"
        deeds: list[Callable[[], Any]] = [
            *(lambda a=a: shop.pay(DEER, a, placed.payable) for a in attempts),
            lambda: shop.pay(DEER, attempts[0], placed.payable, ref=f"again-{attempts[0]}"),
            lambda: with_shop(lambda: pay_with_balance(placed.order_no, member)),
            lambda: with_shop(lambda: pay_with_balance(placed.order_no, member)),
            lambda: with_shop(lambda: cancel(placed.order_no, "guest")),
            lambda: with_shop(lambda: shop.buy(code)),  # a rival for the cards that are given up
            lambda: (shop.one(due + " RETURNING 1", placed.order_id), shop.guarded("expire_orders", p_limit=9)),
        ]  # fmt: skip
        dice.shuffle(deeds)
        with ThreadPoolExecutor(len(deeds)) as pool:
            for future in [pool.submit(deed) for deed in deeds]:
                future.result(20)
        return int(placed.order_id)

    orders = [barrage(n) for n in range(15)]
    for order_id in orders:
        left = shop.one(
            "SELECT (SELECT coalesce(sum(amount), 0) FROM transfer WHERE order_id = %s AND kind IN "
            "('payment.collect', 'wallet.pay')) - (SELECT coalesce(sum(amount), 0) FROM refund "
            "WHERE order_id = %s)", order_id, order_id,
        )  # fmt: skip
        state = shop.state(DEER, order_id)
        assert (state, left) in {("delivered", 98_6100), ("refunding", 0), ("refunded", 0)}
    shop.assert_books_balance()
