"""Money given back through every gateway after delivery, over real HTTP: once, under one number."""

from typing import Any

import pytest

from kameng.settings import Settings

from .gates import GATES, Gate
from .sales import Sales
from .street import Street

pytestmark = pytest.mark.parametrize("gate", GATES, indirect=True, scope="module")


@pytest.fixture(scope="module")
def settings(settings: Settings, street: Street) -> Settings:
    return street.beside(settings)


def delivered(sales: Sales) -> Any:
    sale = sales.begin()
    sales.pay(sale)
    assert sales.state(sale) == "delivered"
    return sale


def as_known(gate: Gate, refunds: list[tuple[str, int, str, str]]) -> list[tuple[str, int]]:
    """What the gateway must know: version 1 of epay is told no numbers."""
    return [(number if gate.name != "epay-v1" else "", fen) for number, fen, _s, _r in refunds]


def test_a_second_payment_that_is_heard_of_after_the_refund_goes_back_too(
    sales: Sales,
) -> None:
    sale = sales.begin()
    first, second = sales.all_held_back(sale, "pay_twice")
    assert sales.deliver(sale, first) == sale.gate.answer
    sales.refund(sale, sale.fen)
    sales.do_jobs()
    assert sales.state(sale) == "refunded"
    assert sales.deliver(sale, second) == sale.gate.answer
    sales.do_jobs()
    assert [row[1:3] for row in sales.refunds(sale)] == [(sale.fen, "succeeded")] * 2
    assert [fen for _no, fen in sale.gate.given_back(sale.attempt_no)] == [sale.fen] * 2


def test_a_part_goes_back_and_then_the_rest(sales: Sales) -> None:
    sale = delivered(sales)
    if not sale.gate.gives_parts:
        return a_part_is_left_to_a_person(sales, sale)
    part = sale.fen * 30 // 100
    sales.refund(sale, part)
    sales.do_jobs()
    assert sales.state(sale) == "delivered"
    assert [fen for _no, fen in sale.gate.given_back(sale.attempt_no)] == [part]
    sales.refund(sale, sale.fen - part)
    sales.do_jobs()
    assert sales.state(sale) == "refunded"
    refunds = sales.refunds(sale)
    assert [row[1:3] for row in refunds] == [(part, "succeeded"), (sale.fen - part, "succeeded")]
    assert sale.gate.given_back(sale.attempt_no) == as_known(sale.gate, refunds)


def a_part_is_left_to_a_person(sales: Sales, sale: Any) -> None:
    """A gateway that cannot give parts back is never asked; a person is told."""
    from kameng.payments.api import refund_by_hand

    number = sales.refund(sale, sale.fen * 30 // 100)
    sales.do_jobs()
    assert [row[2] for row in sales.refunds(sale)] == ["declined"]
    told = (
        "SELECT count(*) FROM alert WHERE kind = 'refund_declined' AND detail ->> 'refund_no' = %s"
    )
    assert sales.shop.one(told, number) == 1
    with sales.shop.app.app_context():
        assert refund_by_hand(3, number, "staff:1", "transfer 1", "") == "ok"
    assert sale.gate.given_back(sale.attempt_no) == []
    assert sales.state(sale) == "delivered"


def test_all_of_it_goes_back_once_although_answers_are_lost(sales: Sales) -> None:
    """The gateway does what it is asked and nobody hears it: the number stays the same."""
    sale = delivered(sales)
    number = sales.refund(sale, sale.fen)
    sale.gate.move(fail_percent="100", fail_when="after")
    try:
        sales.do_jobs()
        assert [row[2] for row in sales.refunds(sale)] == ["unknown"]
        assert sales.state(sale) == "refunding"
    finally:
        sale.gate.move(fail_percent="0")
    sales.do_jobs()
    assert sales.refunds(sale) == [(number, sale.fen, "succeeded", "staff")]
    assert sale.gate.given_back(sale.attempt_no) == as_known(sale.gate, sales.refunds(sale))
    assert sales.state(sale) == "refunded"


def test_notices_that_come_again_after_the_refund_change_nothing(sales: Sales) -> None:
    sale = delivered(sales)
    sales.refund(sale, sale.fen)
    sales.do_jobs()
    before = sales.books()
    sale.act("notify")
    sales.all_told(sale)
    assert sales.books() == before


def test_after_all_that_the_books_balance(sales: Sales) -> None:
    sales.shop.assert_books_balance()
