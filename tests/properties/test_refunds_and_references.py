"""What the other side may say of one payment or one refund, and what must come of it."""

from __future__ import annotations

from typing import Any

import pytest

from kameng.db import main_scope, station_scope
from kameng.errors import Conflict
from kameng.payments import api as payments
from kameng.risk import api as risk

from .gate import METHODS, PLUGIN, REFUND_ANSWERS, Gate, notice

DEER = 3


def begin(shop: Any, cards: int = 3, **order: Any) -> tuple[Any, str]:
    """An unpaid order and the number of its attempt."""
    placed = shop.place(shop.sku(cards=cards), **order)
    with shop.app.app_context(), station_scope(DEER):
        started = payments.start(placed.order_no, PLUGIN, METHODS[0], "", return_url="/")
    return placed, started.attempt_no


def hear(shop: Any, gate: Gate, attempt: str, ref: str, amount: int) -> int:
    with shop.app.app_context():
        return payments.handle_webhook(PLUGIN, gate.token, notice(attempt, ref, amount)).status


def result(shop: Any, attempt: str) -> str:
    """How the newest notice about an attempt was taken."""
    return str(
        shop.one(
            "SELECT result FROM payment_notice WHERE attempt_no = %s ORDER BY id DESC LIMIT 1",
            attempt,
        )
    )


def refund_of(shop: Any, order_id: int) -> Any:
    return shop.owner.execute(
        "SELECT id, refund_no, state FROM refund WHERE station_id = 3 AND order_id = %s"
        " ORDER BY id", (order_id,),
    ).fetchone()  # fmt: skip


@pytest.mark.parametrize(("first", "second"), [("", "g-late"), ("g-early", "")])
def test_P4_a_payment_without_a_reference_is_not_taken_for_a_second_one(
    shop: Any, gate: Gate, first: str, second: str
) -> None:
    """A query that names no reference and a notice that does are one payment, whichever is first."""
    placed, attempt = begin(shop)
    assert hear(shop, gate, attempt, first, placed.payable) == 200
    assert hear(shop, gate, attempt, second, placed.payable) == 200
    assert result(shop, attempt) == "repeat"
    assert refund_of(shop, placed.order_id) is None
    assert hear(shop, gate, attempt, "g-another", placed.payable) == 200
    assert result(shop, attempt) == "refund_surplus"
    shop.assert_books_balance()


def test_P3_one_reference_cannot_pay_two_attempts(shop: Any, gate: Gate) -> None:
    first, attempt = begin(shop)
    second, other = begin(shop)
    assert hear(shop, gate, attempt, "g-same", first.payable) == 200
    assert hear(shop, gate, other, "g-same", second.payable) == 400
    assert result(shop, other) == "reference_taken"
    assert shop.state(DEER, second.order_id) == "pending_payment"
    subject = shop.one("SELECT subject FROM alert WHERE kind = 'payment_reference'")
    number = shop.one("SELECT id FROM payment_attempt WHERE attempt_no = %s", other)
    assert subject == f"attempt:{DEER}:{number}"
    shop.assert_books_balance()


def refunding(shop: Any) -> tuple[Any, Any]:
    """A paid order that risk has refused: (placed, refund)."""
    placed = shop.place(shop.sku(cards=3), risk=("review", []))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id, plugin=PLUGIN)
    shop.pay(DEER, attempt, placed.payable, plugin=PLUGIN)
    with shop.app.app_context(), main_scope(reason="test"):
        risk.refuse(DEER, placed.order_id, "staff:1", "no")
    return placed, refund_of(shop, placed.order_id)


def push(shop: Any, gate: Gate, refund: int, answer: str) -> str:
    gate.next_answer = answer
    shop.owner.execute(
        "UPDATE refund SET next_try_at = now() - interval '1 second'"
        " WHERE id = %s AND next_try_at IS NOT NULL", (refund,),
    )  # fmt: skip
    with shop.app.app_context():
        return payments.send_refund(DEER, refund)


@pytest.mark.parametrize("answer", [a for a in REFUND_ANSWERS if a not in ("done", "declined")])
def test_P5_a_refund_that_is_not_surely_done_is_pursued_and_done_once(
    shop: Any, gate: Gate, answer: str
) -> None:
    placed, refund = refunding(shop)
    assert push(shop, gate, refund[0], answer) in ("sent", "unknown")
    assert shop.state(DEER, placed.order_id) == "refunding"
    assert push(shop, gate, refund[0], "done") == "succeeded"
    assert shop.state(DEER, placed.order_id) == "refunded"
    assert gate.refunds == {refund[1]: placed.payable}
    shop.assert_books_balance()


def test_P5_a_declined_refund_keeps_the_money_aside_and_is_raised(shop: Any, gate: Gate) -> None:
    placed, refund = refunding(shop)
    assert push(shop, gate, refund[0], "declined") == "declined"
    assert push(shop, gate, refund[0], "done") == "not_due"
    assert shop.state(DEER, placed.order_id) == "refunding"
    subject = f"refund:{DEER}:{refund[0]}"
    assert shop.one("SELECT state FROM alert WHERE subject = %s", subject) == "open"
    shop.assert_books_balance()


def test_a_held_order_without_cards_is_not_released_and_can_still_be_refused(
    shop: Any, gate: Gate
) -> None:
    """It was paid late: its cards had gone back to the pool and are sold."""
    code = shop.sku(cards=1)
    placed = shop.place(code, risk=("review", []))
    attempt = shop.attempt(DEER, placed.payable, order=placed.order_id, plugin=PLUGIN)
    with shop.app.app_context(), station_scope(DEER):
        from kameng.orders.api import cancel

        cancel(placed.order_no, "guest")
    shop.buy(code)
    assert shop.pay(DEER, attempt, placed.payable, plugin=PLUGIN)["code"] == "held"
    with shop.app.app_context(), main_scope(reason="test"):
        with pytest.raises(Conflict, match="out_of_stock"):
            risk.release(DEER, placed.order_id, "staff:1", "fine")
        assert shop.state(DEER, placed.order_id) == "held"
        assert risk.refuse(DEER, placed.order_id, "staff:1", "no card left") == "ok"
    shop.assert_books_balance()
