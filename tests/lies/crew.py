"""The product's own work on purchases, by several hands at once; some of them are killed.

A relay hands the outbox's messages over a list in Redis; whoever takes one does the job that the
product's worker would do, and the periodic jobs run in between. A message in a killed hand is lost.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from kameng.settings import Settings
from kameng.supply.services import fulfilling, placing, querying, settling

QUEUE = "lies:messages"
ROOT = Path(__file__).resolve().parents[2]
JOBS = {"order.paid": "fulfil", "purchase.declined": "fulfil", "purchase.part": "fulfil",
        "purchase.ask": "ask"}  # fmt: skip


def relay(owner: Any, queue: Any) -> int:
    """Hand on what the outbox holds; messages about other things are no matter of this proof."""
    rows = owner.execute(
        "UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL RETURNING topic, station_id, payload"
    ).fetchall()
    found = [
        json.dumps([JOBS[topic], station, payload])
        for topic, station, payload in rows
        if topic in JOBS
    ]
    if found:
        queue.rpush(QUEUE, *found)
    return len(found)


def work(queue: Any, over: Callable[[], bool], sweeps: bool) -> None:
    """One hand, until it is over. Needs an application context."""
    swept = time.monotonic()
    while not over():
        with suppress(WorkerKilled):
            message = queue.lpop(QUEUE)
            if message:
                _do(*json.loads(message))
            asked = querying.query_due(limit=3)
            if sweeps and time.monotonic() - swept > 1:
                swept = time.monotonic()
                fulfilling.continue_unfinished(after_s=2)
            if not message and not asked:
                time.sleep(0.05)


def _do(job: str, station: int, payload: dict[str, Any]) -> None:
    order = int(payload["order_id"])
    if job == "fulfil":
        fulfilling.fulfil(station, order)
        return
    purchase = int(payload["purchase_id"])
    if "next" in (placing.place(station, purchase), querying.ask(station, purchase)):
        fulfilling.fulfil(station, order)


class WorkerKilled(Exception):
    """In the place of `kill -9`: nothing after this line has happened."""


class Threads:
    """Hands in this process. Some die between the call and the booking of its answer."""

    def __init__(self, app: Any, queue: Any, hands: int, share: float, seed: int) -> None:
        self.killed: set[int] = set()
        self.kills = 0
        self._app, self._queue, self._share = app, queue, share
        self._source, self._over = random.Random(seed), threading.Event()
        self._patch = pytest.MonkeyPatch()
        self._settle = settling.settle
        self._patch.setattr(settling, "settle", self._mortal)
        self._threads = [
            threading.Thread(target=self._hand, args=(number == 0,)) for number in range(hands)
        ]
        for thread in self._threads:
            thread.start()

    def _mortal(self, row: Any, answer: Any, judged: Any, step: str) -> str:
        if self._source.random() < self._share:
            self.killed.add(row.id)
            self.kills += 1
            raise WorkerKilled
        return self._settle(row, answer, judged, step)

    def _hand(self, sweeps: bool) -> None:
        with self._app.app_context():
            work(self._queue, self._over.is_set, sweeps)

    def tick(self) -> None:
        """Nothing to do from outside."""

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
        self._patch.undo()


class Processes:
    """Hands in processes of their own, of which one is killed with -9 every few seconds."""

    def __init__(
        self, settings: Settings, hands: int, threads: int, pause_s: float, seed: int
    ) -> None:
        self.killed: set[int] = set()  # which purchases they held is not known from outside
        self.kills = 0
        self._environ = {**os.environ, "LIES_SETTINGS": json.dumps(asdict(settings), default=str)}
        self._threads, self._pause_s, self._source = threads, pause_s, random.Random(seed)
        self._hands = [self._start() for _n in range(hands)]
        self._next = time.monotonic() + pause_s

    def _start(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "tests.lies.hand", str(self._threads)]
        return subprocess.Popen(words, env=self._environ, cwd=ROOT)

    def tick(self) -> None:
        """Kill one when it is time, and start another in its place."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._pause_s
        victim = self._source.randrange(len(self._hands))
        self._hands[victim].send_signal(signal.SIGKILL)
        self._hands[victim].wait()
        self._hands[victim] = self._start()
        self.kills += 1

    def stop(self) -> None:
        for hand in self._hands:
            hand.kill()
            hand.wait()


class Clock:
    """The relay and the passing of time, in a thread with a connection of its own."""

    def __init__(self, database: str, queue: redis.Redis, crew: Any, every_s: float) -> None:
        self._database, self._queue, self._crew, self._every_s = database, queue, crew, every_s
        self._over = threading.Event()
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        from .clock import pass_time

        try:
            with psycopg.connect(self._database, autocommit=True) as owner:
                passed = 0.0
                while not self._over.wait(0.05):
                    relay(owner, self._queue)
                    self._crew.tick()
                    if time.monotonic() - passed > self._every_s:
                        passed = time.monotonic()
                        pass_time(owner, self._crew.killed)
        except Exception as error:
            self.error = error

    def stop(self) -> None:
        self._over.set()
        self._thread.join(60)
        assert self.error is None, self.error
