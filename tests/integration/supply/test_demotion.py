"""S9: who gets worse is asked after the others within a minute, by itself, and the order says why."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.integration.supply.conftest import COST, answer

from kameng.jobs.api import drain
from kameng.jobs.registry import periodic
from kameng.jobs.scheduler import Scheduler
from kameng.suppliers import tasks as suppliers_tasks
from kameng_sdk.outcomes import Outcome

YES, NO = answer(Outcome.SUCCEEDED), answer(Outcome.DECLINED, code="refused")
JOB = "suppliers.watch_recent_success"
WITHIN_S = 60


def one_run_of_the_jobs(market: Any) -> None:
    """What a scheduler does in the next minute by the declared schedule, for our job alone."""
    market.shop.plant("DELETE FROM job_slot")
    scheduler = Scheduler(market.shop.app, threading.Event())
    scheduler.tick(time.time() + WITHIN_S)
    due = dict(scheduler.work.get() for _n in range(scheduler.work.qsize()))
    spec = periodic()[JOB]
    scheduler._run_slot(spec, due[spec])
    drain()


def chosen(market: Any, placed: Any) -> tuple[str, dict[str, str]]:
    """The supplier that was asked first and why, and why the others were not."""
    routing = market.purchases(placed.order_id)[0][12]
    first = next(step for step in routing if step["outcome"] == "chosen")
    others = {step["supplier"]: step["why"] for step in routing if step is not first}
    return f"{first['supplier']}: {first['why']}", others


def sell(market: Any, sku: str, count: int) -> list[Any]:
    placed = [market.paid(sku) for _n in range(count)]
    drain()
    return placed


def test_orders_leave_a_supplier_whose_success_falls_within_one_run_of_the_jobs(market):
    sku = market.shop.sku(kind="top_up")
    cheap = market.supplier(sku, YES, name="cheap", cost=COST - 10, grade="A")
    dear = market.supplier(sku, YES, name="dear", grade="B")
    (first, *_rest) = sell(market, sku, 8)
    assert chosen(market, first)[0] == "cheap: cheapest"
    assert (len(cheap.purchases), len(dear.purchases)) == (8, 0)

    cheap.answer = NO
    for placed in sell(market, sku, 2):
        assert market.state(placed) == "delivered"  # each was saved by the next supplier
    assert (len(cheap.purchases), len(dear.purchases)) == (10, 2)

    assert suppliers_tasks
    assert periodic()[JOB].seconds <= WITHIN_S
    one_run_of_the_jobs(market)
    for placed in sell(market, sku, 3):
        assert chosen(market, placed) == ("dear: better_grade", {"cheap": "behind"})
        assert market.state(placed) == "delivered"
    assert (len(cheap.purchases), len(dear.purchases)) == (10, 5)
    market.shop.assert_books_balance()


def test_a_supplier_that_fails_most_of_the_time_is_not_asked_at_all(market):
    sku = market.shop.sku(kind="top_up")
    cheap = market.supplier(sku, YES, name="cheap2", cost=COST - 10, grade="A")
    dear = market.supplier(sku, YES, name="dear2", grade="C")
    sell(market, sku, 4)
    cheap.answer = NO
    sell(market, sku, 6)
    one_run_of_the_jobs(market)
    (placed,) = sell(market, sku, 1)
    assert chosen(market, placed) == ("dear2: only_one", {"cheap2": "supplier_paused"})
    assert (len(cheap.purchases), len(dear.purchases)) == (10, 7)
    state = "SELECT state FROM supplier WHERE id = %s"
    assert market.shop.one(state, cheap.supplier_id) == "paused"
    subject = f"supplier:{cheap.supplier_id}"
    assert market.shop.one("SELECT state FROM alert WHERE subject = %s", subject) == "open"
