"""After a restore suppliers are asked first; what may have been bought is not bought again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kameng.db import main_scope
from kameng.jobs.api import drain
from kameng.ops.recovering import asking, reading
from kameng.supply.services import fulfilling, querying
from kameng_sdk.outcomes import Outcome

from .conftest import DEER, answer

YES = answer(Outcome.SUCCEEDED)
NOTHING = answer(Outcome.UNKNOWN, empty=True, code="no_answer")


@pytest.fixture(autouse=True)
def clean(market: Any) -> Any:
    """No recovery before, none afterwards."""
    yield
    market.shop.plant("DELETE FROM recovery_question; DELETE FROM recovery; DELETE FROM alert")


def restored(market: Any) -> None:
    market.shop.guarded("begin_recovery", p_restored_to=datetime.now(UTC), p_source="test")


def test_a_purchase_that_was_not_sent_yet_is_asked_about_before_anything_else(market: Any) -> None:
    """The row says "not sent"; in the time that is forgotten it was sent and delivered."""
    sku = market.shop.sku(kind="top_up")
    supplier = market.supplier(sku, NOTHING)
    placed = market.paid(sku)
    drain()
    (number,) = {one.purchase_no for one in supplier.purchases}
    market.shop.plant(
        "UPDATE purchase SET state = 'created', sent_at = NULL, next_query_at = now()"
    )
    restored(market)
    supplier.answer = YES
    querying.query_due()
    assert len(supplier.purchases) == 1
    assert set(supplier.queries) == {number}
    assert market.state(placed) == "delivered"
    assert asking.step() == "ended"
    assert len(supplier.purchases) == 1


def test_the_mode_lasts_until_the_supplier_has_answered(market: Any) -> None:
    sku = market.shop.sku(kind="top_up")
    supplier = market.supplier(sku, NOTHING)
    placed = market.paid(sku)
    drain()
    restored(market)
    assert asking.step() == "asked"
    with main_scope(reason="test"):
        newest = reading.newest()
        assert newest is not None
        (question,) = reading.questions(newest.id)
        assert (newest.waiting, question.kind, question.answer) == (1, "purchase", "unknown")
    supplier.answer = YES
    assert asking.step() == "ended"
    assert market.state(placed) == "delivered"
    assert [a for a in market.shop.owner.execute(
        "SELECT kind FROM alert WHERE state = 'open' AND kind LIKE 'recovery%'"
    )] == [("recovery_report",)]  # fmt: skip


def test_an_order_that_may_have_been_bought_waits_for_a_person(market: Any) -> None:
    """Its purchase is forgotten, and so is the number by which one could ask."""
    sku = market.shop.sku(kind="top_up")
    supplier = market.supplier(sku, YES)
    placed = market.paid(sku)
    restored(market)
    drain()
    assert asking.step() == "ended"
    fulfilling.fulfil(DEER, placed.order_id)
    fulfilling.continue_unfinished(after_s=0)
    assert supplier.purchases == []
    assert market.state(placed) == "paid"
    with main_scope(reason="test"):
        (waiting,) = reading.orders_for_a_person()
        assert waiting.order_id == placed.order_id
        assert asking.let_go_on(DEER, placed.order_id, "staff:1")
        assert not asking.let_go_on(DEER, placed.order_id, "staff:1")
    drain()
    assert len(supplier.purchases) == 1
    assert market.state(placed) == "delivered"
    market.shop.assert_books_balance()


def test_a_supplier_order_that_is_paid_in_the_mode_waits_for_a_person(market: Any) -> None:
    sku = market.shop.sku(kind="top_up")
    supplier = market.supplier(sku, YES)
    placed = market.shop.place(sku)
    number = market.shop.attempt(DEER, placed.payable, order=placed.order_id)
    restored(market)
    assert market.shop.pay(DEER, number, placed.payable)["code"] == "awaiting_recovery"
    asking.end("staff:1", anyway=True)
    drain()
    fulfilling.continue_unfinished(after_s=0)
    assert (supplier.purchases, market.state(placed)) == ([], "paid")


def test_nothing_that_goes_out_leaves_in_the_mode(market: Any) -> None:
    sku = market.shop.sku(kind="top_up")
    market.supplier(sku, YES)
    placed = market.paid(sku)
    opened = market.shop.guarded(
        "open_purchase", p_station=DEER, p_order=placed.order_id, p_connection=1, p_offer=None,
        p_unit_cost=1, p_unit_cap=1, p_number="1", p_inputs="{}", p_routing="{}", p_most=None,
        p_actor="t",
    )  # fmt: skip
    assert opened["code"] in ("ok", "bad_state")
    restored(market)
    assert market.shop.owner.execute("SELECT * FROM take_purchase(3, 1)").fetchall() == []
    assert market.shop.owner.execute("SELECT * FROM claim_payout(3, 1)").fetchall() == []
    assert market.shop.guarded("resume_paid_orders", p_limit=10)["resumed"] == 0
    assert market.shop.guarded("fund_waiting_orders", p_limit=10)["funded"] == 0
