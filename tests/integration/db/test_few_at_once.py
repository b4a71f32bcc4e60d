"""Few guarded calls run at once in a process; those that wait for a lock do not hold up the rest."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from kameng.db import call, station_scope
from kameng.db.guarded import AT_ONCE, _places

if TYPE_CHECKING:
    from flask import Flask

MANY = AT_ONCE * 3


def of_orders(app: Flask) -> object:
    with app.app_context(), station_scope(1):
        return call("cancel_order", p_station=1, p_order_no="none", p_actor="test")["code"]


def of_money(app: Flask) -> object:
    with app.app_context(), station_scope(1):
        return call("station_earnings", p_station=1, p_since=datetime.now(UTC))["pending"]


def test_calls_that_wait_for_a_lock_let_others_pass(
    app: Flask, owner: psycopg.Connection[Any]
) -> None:
    with ThreadPoolExecutor(MANY) as pool:
        with owner.transaction():
            owner.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            stuck = [pool.submit(of_orders, app) for _n in range(MANY)]
            time.sleep(0.3)
            assert not any(one.done() for one in stuck)
            assert of_money(app) == 0
            assert not any(one.done() for one in stuck)
        done, _open = wait(stuck, timeout=20)
    assert {one.result() for one in done} == {"not_found"}
    assert len(done) == MANY


def test_a_call_that_failed_gives_its_place_back(app: Flask) -> None:
    with app.app_context(), station_scope(1):
        for _n in range(AT_ONCE * 2):
            with pytest.raises(psycopg.Error):
                call("no_such_function", p_station=1)
    taken = [_places.take(0) for _n in range(AT_ONCE + 1)]
    for _n in range(AT_ONCE):
        _places.give()
    assert taken == [True] * AT_ONCE + [False]
