"""After a restore the gateway is ahead: it is asked, over real HTTP, before anything leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from kameng.db import main_scope
from kameng.ops.recovering import asking, reading
from kameng.payments import api as payments
from kameng.settings import Settings

from .gates import GATES
from .sales import Sale, Sales
from .street import Street

DEER = 3
pytestmark = pytest.mark.parametrize("gate", [next(iter(GATES))], indirect=True, scope="module")


@pytest.fixture(scope="module")
def settings(settings: Settings, street: Street) -> Settings:
    return street.beside(settings)


@pytest.fixture
def restored(sales: Sales) -> Iterator[Sales]:
    """The shop as it was before its shoppers paid; what they do next is not known in it."""
    yield sales
    sales.shop.plant("DELETE FROM recovery_question; DELETE FROM recovery; DELETE FROM alert")


def begin(sales: Sales) -> None:
    sales.shop.guarded("begin_recovery", p_restored_to=datetime.now(UTC), p_source="test")


def step(sales: Sales) -> str:
    with sales.shop.app.app_context():
        return asking.step()


def cards(sales: Sales, sale: Sale) -> list[Any]:
    query = "SELECT id, status FROM card WHERE station_id = %s AND order_id = %s"
    return list(sales.shop.owner.execute(query, (DEER, sale.order_id)).fetchall())


def test_what_was_paid_in_the_time_that_is_forgotten_is_found_and_delivered_once(
    restored: Sales,
) -> None:
    paid, unpaid = restored.begin(), restored.begin()
    notice = restored.held_back(paid)
    begin(restored)
    held = [card for card, _status in cards(restored, paid)]
    assert step(restored) == "ended"
    assert restored.state(paid) == "delivered"
    assert restored.state(unpaid) == "pending_payment"
    assert cards(restored, paid) == [(card, 2) for card in held]
    assert restored.deliver(paid, notice) == paid.gate.answer  # the gateway repeats itself
    assert cards(restored, paid) == [(card, 2) for card in held]
    restored.shop.assert_books_balance()


def test_a_notice_in_the_mode_is_taken_in_and_the_goods_follow(restored: Sales) -> None:
    sale = restored.begin()
    notice = restored.held_back(sale)
    begin(restored)
    assert restored.deliver(sale, notice) == sale.gate.answer
    assert restored.state(sale) == "paid"
    assert [status for _card, status in cards(restored, sale)] == [1]
    assert step(restored) == "ended"
    assert restored.state(sale) == "delivered"


def test_late_money_waits_for_a_person(restored: Sales) -> None:
    """Its cards went back; it may have got another one in the time that is forgotten."""
    sale = restored.begin()
    notice = restored.held_back(sale)
    restored.expire(sale)
    begin(restored)
    assert restored.deliver(sale, notice) == sale.gate.answer
    assert step(restored) == "ended"
    assert restored.state(sale) == "held"
    assert cards(restored, sale) == []


def test_a_payment_that_nobody_knows_becomes_an_alert(restored: Sales) -> None:
    sale = restored.begin()
    notice = restored.held_back(sale)
    restored.shop.plant(f"UPDATE card SET status = 0, station_id = NULL, order_id = NULL,"
                        f" held_until = NULL WHERE order_id = {sale.order_id};"
                        f"DELETE FROM payment_attempt WHERE order_id = {sale.order_id}")  # fmt: skip
    begin(restored)
    answered, _text = restored.deliver(sale, notice)
    assert answered == 400  # not taken in: the gateway goes on telling
    with restored.shop.app.app_context():
        assert asking.watch_forgotten() == 1
    found = restored.shop.owner.execute(
        "SELECT subject, detail ->> 'attempt_no' FROM alert WHERE kind = 'recovery_payment'"
    ).fetchall()
    assert found == [(f"attempt:{sale.attempt_no}", sale.attempt_no)]


def test_a_refund_is_not_sent_in_the_mode_and_asked_about_before_it_is_sent(
    restored: Sales,
) -> None:
    sale = restored.begin()
    restored.pay(sale)
    number = restored.refund(sale, sale.fen)
    begin(restored)
    restored.do_jobs()
    assert restored.refunds(sale) == [(number, sale.fen, "unknown", "staff")]
    assert sale.gate.given_back(sale.attempt_no) == []
    with restored.shop.app.app_context():
        asking.end("staff:1", anyway=True)
    restored.do_jobs()
    assert [state for _no, _fen, state, _why in restored.refunds(sale)] == ["succeeded"]
    assert len(sale.gate.given_back(sale.attempt_no)) == 1


def test_bills_of_days_that_are_over_are_asked_for_first(restored: Sales) -> None:
    with restored.shop.app.app_context():
        restored.shop.guarded(
            "begin_recovery",
            p_restored_to=datetime.combine(payments.yesterday(), datetime.min.time(), UTC),
            p_source="test",
        )
        asking.step()
        with main_scope(reason="test"):
            newest = reading.newest()
            assert newest is not None
            kinds = {q.kind: q.number for q in reading.questions(newest.id)}
    assert str(payments.yesterday()) in kinds["bill"]
