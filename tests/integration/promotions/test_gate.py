"""The gate alone: what it counts, what the watch makes of it, and what it does without Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.openapi.docking import DEER
from tests.integration.promotions.conftest import Street

from kameng import redis
from kameng.db import station_scope
from kameng.errors import DomainError
from kameng.promotions import api as promotions
from kameng.promotions.services import entering, gate


@pytest.fixture
def sale(street: Street) -> str:
    return street.plan(street.sku(5), units=3)


def ticket(sale: str, buyer: str) -> promotions.Ticket:
    return promotions.ticket(DEER, sale, buyer)


def enter(street: Street, sale: str, buyer: str) -> Any:
    with street.dock.app.app_context(), station_scope(DEER):
        return entering.enter(ticket(sale, buyer))


def count_anew(street: Street, sale: str, **given: int) -> bool:
    with street.dock.app.app_context(), station_scope(DEER):
        return promotions.reconcile(DEER, sale, **given)


def test_places_go_until_none_is_left_and_one_to_each_buyer(street: Street, sale: str) -> None:
    assert [bool(enter(street, sale, f"m:3:{n}")) for n in range(3)] == [True] * 3
    assert enter(street, sale, "m:3:1") is None  # PostgreSQL is asked: it may be a repeat
    with pytest.raises(DomainError, match="flash_sold_out"):
        enter(street, sale, "m:3:9")
    assert street.gate(sale) == {"left": 0, "buyers": 3, "flight": 3}


def test_a_refusal_gives_the_place_back_and_a_fault_leaves_it(street: Street, sale: str) -> None:
    with street.dock.app.app_context(), station_scope(DEER):
        for error in (DomainError("out_of_stock"), RuntimeError("the line is cut")):
            place = entering.enter(ticket(sale, f"m:3:{error}"))
            with pytest.raises(type(error)), promotions.held(place):
                raise error
    assert street.gate(sale) == {"left": 2, "buyers": 1, "flight": 1}


def test_the_recount_takes_places_in_flight_off_what_is_free(street: Street, sale: str) -> None:
    enter(street, sale, "m:3:1")
    assert count_anew(street, sale)
    assert street.gate(sale) == {"left": 2, "buyers": 1, "flight": 1}
    assert enter(street, sale, "m:3:1") is None
    assert count_anew(street, sale, flight_s=0)  # whoever had it is dead
    assert street.gate(sale) == {"left": 3, "buyers": 0, "flight": 0}


def _after(counted: bool, refusal: DomainError) -> DomainError:
    assert counted
    return refusal


def test_a_place_dropped_by_the_recount_is_given_back_only_once(street: Street, sale: str) -> None:
    with street.dock.app.app_context(), station_scope(DEER):
        place = entering.enter(ticket(sale, "m:3:1"))
        refusal = DomainError("out_of_stock")
        with pytest.raises(DomainError), promotions.held(place):
            raise _after(promotions.reconcile(DEER, sale, flight_s=0), refusal)
    assert street.gate(sale)["left"] == 3


def test_nothing_is_put_in_while_the_gate_moves(street: Street, sale: str) -> None:
    """What PostgreSQL said before a place was given up must not count after it."""
    with street.dock.app.app_context(), station_scope(DEER):
        place = entering.enter(ticket(sale, "m:3:1"))
        meta = gate.keys_of(DEER, sale)[0]
        before = redis.client().hget(meta, "seq")
        with promotions.held(place):
            pass
        assert redis.client().hget(meta, "seq") != before


def test_a_lost_gate_is_made_anew_by_one_of_many(street: Street, sale: str) -> None:
    street.flush()

    def ask(number: int) -> str:
        try:
            return "place" if enter(street, sale, f"m:3:{number}") else "?"
        except DomainError as refusal:
            return refusal.code

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(ask, range(24)))
    assert told.count("place") <= 3
    assert set(told) <= {"place", "flash_sold_out", "unavailable"}
    assert street.gate(sale)["left"] == 3 - told.count("place")


def test_without_redis_nobody_enters(street: Street, sale: str) -> None:
    with street.dock.app.app_context(), station_scope(DEER):
        working = street.dock.app.extensions[redis.EXTENSION]
        street.dock.app.extensions[redis.EXTENSION] = redis.connect("redis://127.0.0.1:1/0")
        try:
            with pytest.raises(DomainError) as refused:
                entering.enter(ticket(sale, "m:3:1"))
        finally:
            street.dock.app.extensions[redis.EXTENSION] = working
    assert (refused.value.code, refused.value.status) == ("unavailable", 503)


def test_a_sale_is_over_at_the_gate_when_its_time_is(street: Street) -> None:
    now = datetime.now(UTC)
    late = street.plan(street.sku(1), starts_at=now, ends_at=now + timedelta(seconds=1))
    early = street.plan(
        street.sku(1), starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2)
    )
    with pytest.raises(DomainError, match="flash_not_running"):
        enter(street, early, "m:3:1")
    street.dock.owner.execute(
        "UPDATE flash_sale SET starts_at = now() - interval '2 s', ends_at = now() - interval '1 s'"
        " WHERE sale_no = %s", (late,),
    )  # fmt: skip
    street.watch()
    assert enter(street, late, "m:3:1") is None  # PostgreSQL says that it is over, or repeats
    assert enter(street, "F26110000000009", "m:3:1") is None
