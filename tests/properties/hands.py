"""Two or many hands at the same moment, on connections of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg

from kameng.errors import DomainError

T = TypeVar("T")

# Goods that people hand over, by the guarded functions of purchases.
OPEN_AT_DESK = """SELECT code, purchase_id FROM open_purchase(%(station)s, %(order)s, (SELECT c.id FROM supply_connection c JOIN supplier s ON s.id = c.supplier_id
  WHERE s.code = 'desk'), NULL, 932000, 950000, %(number)s, '{}', '[]', NULL, 'staff:1')"""
TAKE = "SELECT purchase_no FROM take_purchase(%(station)s, %(purchase)s)"
RECEIVE = """SELECT code FROM receive_purchase(%(station)s, %(purchase)s, 1000, NULL, NULL, '', '', 'said so', '', '', NULL, '{}', 'staff:1')"""
DECLINE = "SELECT code FROM decline_purchase(%(station)s, %(purchase)s, 'by_hand', 'said so', '', 'staff:1')"


def handed_over(run: Callable[..., Any], station: int, order: int) -> str:
    """A paid order goes to the desk, and somebody there delivers it; `run` gives a row."""
    code, purchase = run(OPEN_AT_DESK, station=station, order=order, number=f"d{station}-{order}")
    assert code == "ok"
    assert run(TAKE, station=station, purchase=purchase)
    return str(run(RECEIVE, station=station, purchase=purchase)[0])


def answer(call: Callable[[], Any]) -> Any:
    """What the service gives, or the code with which it refuses."""
    try:
        return call()
    except DomainError as refusal:
        return refusal.code


def at_once(deeds: Iterable[Callable[[], T]], threads: int = 16) -> list[T]:
    """All deeds on real threads; the first `threads` of them start at the same moment."""
    todo = list(deeds)
    barrier = threading.Barrier(min(threads, len(todo)))

    def start(numbered: tuple[int, Callable[[], T]]) -> T:
        number, deed = numbered
        if number < barrier.parties:
            barrier.wait(30)
        return deed()

    with ThreadPoolExecutor(barrier.parties) as pool:
        return list(pool.map(start, enumerate(todo)))


def while_held_open(
    url: str, first: tuple[str, Iterable[Any]], second: Callable[[], T]
) -> tuple[Any, T]:
    """`first` (SQL) runs and waits with its commit until `second` is blocked by it, or done.

    The narrowest of all races, met every time: both have read before either has committed.
    """
    with psycopg.connect(url) as connection, ThreadPoolExecutor(1) as pool:
        row = connection.execute(first[0].encode(), list(first[1])).fetchone()
        running = pool.submit(second)
        give_up = time.monotonic() + 10
        while not running.done() and not _blocks(url, connection) and time.monotonic() < give_up:
            time.sleep(0.005)
        connection.commit()
        return row, running.result(20)


def _blocks(url: str, connection: psycopg.Connection[Any]) -> bool:
    with psycopg.connect(url, autocommit=True) as look:
        row = look.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))",
            (connection.info.backend_pid,),
        ).fetchone()
    return bool(row and row[0])
