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
