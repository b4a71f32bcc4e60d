"""The purchase as a use case, without HTTP: two processes of four threads that buy by balance."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from secrets import token_hex
from typing import Any

from flask import Flask
from tests.bench.fixture import Fixture
from tests.bench.pgbench import BenchBroken
from tests.bench.purchases import pair
from wsgi import build

from kameng.db import station_scope
from kameng.openapi import api as openapi
from kameng.settings import Settings

PROCESSES, THREADS = 2, 4
FAR_APART = 113  # threads begin at different members


@dataclass(frozen=True)
class Bought:
    """What one process has done in a round: orders, and its CPU time in seconds."""

    orders: int
    cpu_s: float


class Buyers:
    """Processes that are ready and wait for the next round."""

    def __init__(self, ends: list[Connection]) -> None:
        self._ends = ends

    def run(self, seconds: float) -> tuple[float, float]:
        """(orders a second of all processes together, CPU milliseconds of Python an order)."""
        began = time.perf_counter()
        for end in self._ends:
            end.send(seconds)
        found: list[Bought | str] = [end.recv() for end in self._ends]
        took = time.perf_counter() - began
        done = [one for one in found if isinstance(one, Bought)]
        if len(done) < len(found):
            raise BenchBroken("\n".join(one for one in found if isinstance(one, str)))
        orders = sum(one.orders for one in done)
        return orders / took, sum(one.cpu_s for one in done) / max(1, orders) * 1000


@contextmanager
def buyers(settings: Settings, fixture: Fixture) -> Iterator[Buyers]:
    """Start the processes; they end with the block."""
    context = multiprocessing.get_context("spawn")  # a fork would share our connections
    ends, processes = [], []
    try:
        for number in range(PROCESSES):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, settings, fixture, number))
            process.start()
            theirs.close()  # or a dead process would never be noticed
            ends.append(ours)
            processes.append(process)
        for end in ends:
            end.recv()  # it stands ready
        yield Buyers(ends)
    finally:
        for end in ends:
            with suppress(OSError):  # it has died
                end.send(0.0)
        for process in processes:
            process.join(timeout=20)


def _work(end: Connection, settings: Settings, fixture: Fixture, number: int) -> None:
    app = build(settings)
    end.send("ready")
    while seconds := end.recv():
        try:
            answer: Any = _round(app, fixture, number, seconds)
        except Exception as error:
            answer = f"buyers: {error!r}"
        end.send(answer)


def _round(app: Flask, fixture: Fixture, number: int, seconds: float) -> Bought:
    began_cpu, deadline = time.process_time(), time.perf_counter() + seconds
    done: list[int] = []
    broken: list[BaseException] = []

    def buyer(place: int) -> None:
        try:
            done.append(_buy_until(app, fixture, deadline, number * THREADS + place))
        except BaseException as error:
            broken.append(error)

    threads = [threading.Thread(target=buyer, args=(place,)) for place in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return Bought(sum(done), time.process_time() - began_cpu)


def _buy_until(app: Flask, fixture: Fixture, deadline: float, place: int) -> int:
    mark = token_hex(6)
    callers: dict[str, Any] = {}
    count = 0
    with app.app_context():
        while time.perf_counter() < deadline:
            key, sku = pair(fixture, place * FAR_APART + count)
            wanted = openapi.Buy(
                sku=sku, quantity=1, merchant_order_no=f"{mark}-{count}", max_total=99_0000
            )
            with station_scope(key.station_id):
                if key.key_id not in callers:
                    callers[key.key_id], _secrets = openapi.open_key(
                        "native", key.key_id, "127.0.0.1"
                    )
                openapi.buy(callers[key.key_id], wanted)
            count += 1
    return count
