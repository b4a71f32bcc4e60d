"""O5: a shopper's money through every gateway: over real HTTP, by the gateway's own notices."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kameng.db import main_scope
from kameng.settings import Settings

from .gates import GATES
from .sales import Sale, Sales
from .street import Street

pytestmark = pytest.mark.parametrize("gate", GATES, indirect=True, scope="module")


@pytest.fixture(scope="module")
def settings(settings: Settings, street: Street) -> Settings:
    return street.beside(settings)


def test_O5_a_notice_delivers(sales: Sales) -> None:
    sale = sales.begin()
    assert sales.ask(sale) in ("pending", "unknown")
    assert sales.state(sale) == "pending_payment"
    sales.pay(sale)
    assert sales.state(sale) == "delivered"
    assert sales.attempt(sale, "state") == "succeeded"
    assert sales.ask(sale) == "succeeded"


def test_a_refused_card_leaves_the_order_payable_in_another_way(sales: Sales) -> None:
    sale = sales.begin()
    sale.act("refuse")
    assert sales.ask(sale) in ("pending", "unknown")
    assert sales.state(sale) == "pending_payment"
    other = sales.begin(placed=sale.placed, gate=sale.gate.other())
    sales.pay(other)
    assert sales.state(sale) == "delivered"
    assert sales.refunds(sale) == []


def test_late_money_still_buys_what_is_there(sales: Sales) -> None:
    sale = sales.begin()
    notice = sales.held_back(sale)
    sales.expire(sale)
    sales.do_jobs()  # closing what is paid must fail
    assert sales.deliver(sale, notice) == sale.gate.answer
    assert sales.state(sale) == "delivered"
    sales.do_jobs()
    assert sale.gate.given_back(sale.attempt_no) == []


def test_late_money_for_what_is_gone_goes_back_by_itself(sales: Sales) -> None:
    sale = sales.begin(cards=1)
    notice = sales.held_back(sale)
    sales.expire(sale)
    sales.empty_the_shelves()
    assert sales.deliver(sale, notice) == sale.gate.answer
    assert sales.state(sale) == "refunding"
    sales.do_jobs()
    assert sales.state(sale) == "refunded"
    assert [fen for _no, fen in sale.gate.given_back(sale.attempt_no)] == [sale.fen]


def test_an_expired_order_is_closed_at_the_gateway_or_served_all_the_same(sales: Sales) -> None:
    sale = sales.begin()
    sales.expire(sale)
    sales.do_jobs()
    if sale.gate.closes:
        assert sale.gate.act(sale.attempt_no, "pay") == 409
        assert sales.attempt(sale, "state") == "declined"
        assert sales.state(sale) == "expired"
    else:
        sales.pay(sale)
        assert sales.state(sale) == "delivered"


def test_money_whose_charge_was_never_answered_is_found(sales: Sales) -> None:
    gate = sales.gate
    if not gate.calls_to_charge:
        pytest.skip("nothing is asked of this gateway before the shopper comes")
    gate.move(fail_percent="100", fail_when="after")
    try:
        sale = sales.begin()
    finally:
        gate.move(fail_percent="0")
    assert sales.attempt(sale, "state") == "unknown"
    assert sales.state(sale) == "pending_payment"
    notice = sales.held_back(sale)
    assert sales.ask(sale) == "ok"
    assert sales.deliver(sale, notice) == gate.answer
    assert sales.refunds(sale) == []
    assert sales.state(sale) == "delivered"


def given_back(*sales: Sale) -> list[int]:
    return [fen for sale in sales for _no, fen in sale.gate.given_back(sale.attempt_no)]


def test_an_attempt_that_is_paid_twice_gives_the_surplus_back_once(sales: Sales) -> None:
    sale = sales.begin()
    sales.pay(sale, "pay_twice", times="2")
    assert sales.state(sale) == "delivered"
    sales.do_jobs()
    sale.act("notify")
    sales.all_told(sale)
    sales.do_jobs()
    assert [row[1:] for row in sales.refunds(sale)] == [(sale.fen, "succeeded", "paid_twice")]
    assert given_back(sale) == [sale.fen]
    assert sales.state(sale) == "delivered"


def test_two_attempts_that_are_paid_give_the_second_one_back_once(sales: Sales) -> None:
    sale = sales.begin()
    other = sales.begin(placed=sale.placed, gate=sale.gate.other())
    sales.pay(other)
    sales.pay(sale)
    sales.do_jobs()
    for each in (sale, other):
        each.act("notify", times="2")
        sales.all_told(each)
    sales.do_jobs()
    assert [row[1:] for row in sales.refunds(sale)] == [(sale.fen, "succeeded", "paid_twice")]
    assert (given_back(other), given_back(sale)) == ([], [sale.fen])
    assert sales.state(sale) == "delivered"


def test_O5_without_any_notice_the_schedule_finds_the_money_within_a_minute(sales: Sales) -> None:
    """Time is moved by moving what is planned: no question is asked before it is due."""
    sale = sales.begin()
    waited = [pass_time_to_next_question(sales, sale) for _ in range(3)]
    assert sales.state(sale) == "pending_payment"
    notice = sales.held_back(sale)  # right after a question: the longest wait there is
    waited.append(pass_time_to_next_question(sales, sale))
    assert sales.state(sale) == "delivered"
    assert sales.attempt(sale, "next_query_at") is None
    assert max(waited) < 60
    assert sales.deliver(sale, notice) == sale.gate.answer  # it comes after all: the same money
    assert sales.refunds(sale) == []


def pass_time_to_next_question(sales: Sales, sale: Sale) -> float:
    """Work as the scheduler does at the attempt's next time; returns how long that was, in s."""
    from kameng.payments.api import claim_due_queries, query_attempt

    wait = float(sales.attempt(sale, "extract(epoch FROM next_query_at - now())"))
    with sales.shop.app.app_context():
        with main_scope(reason="test"):
            assert (3, sales.attempt(sale, "id")) not in claim_due_queries()
        sales.shop.owner.execute(
            "UPDATE payment_attempt SET next_query_at = now(), expires_at = expires_at"
            " - make_interval(secs => %s) WHERE attempt_no = %s",
            (wait, sale.attempt_no),
        )
        with main_scope(reason="test"):
            due = claim_due_queries()
        assert (3, sales.attempt(sale, "id")) in due
        for station_id, attempt_id in due:
            query_attempt(station_id, attempt_id)
    return wait


def test_100_copies_at_once_have_one_effect_and_are_all_answered(sales: Sales) -> None:
    sale = sales.begin()
    notice = sales.held_back(sale)
    copies = [notice, sale.gate.signed(notice)] * 50  # some gateways sign each copy anew
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda copy: sales.deliver(sale, copy), copies))
    assert answers == [sale.gate.answer] * 100
    assert sales.state(sale) == "delivered"
    assert _counts(sales, sale) == (1, 1, 100)


def _counts(sales: Sales, sale: Sale) -> tuple[Any, ...]:
    one = sales.shop.one
    collected = "SELECT count(*) FROM transfer WHERE order_id = %s AND kind = 'payment.collect'"
    return (
        one("SELECT count(*) FROM card WHERE order_id = %s AND status = 2", sale.order_id),
        one(collected, sale.order_id),
        one("SELECT sum(times) FROM payment_notice WHERE attempt_no = %s", sale.attempt_no),
    )


def test_after_all_that_the_books_balance(sales: Sales) -> None:
    sales.shop.assert_books_balance()
