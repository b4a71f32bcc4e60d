"""S6 to S9: whatever suppliers say, nothing is bought twice, and every order has an end or a reason.

`make lies ORDERS=10000 SEED=1` runs the same with processes that are killed with -9.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
import redis
from tests.integration.conftest import Shop
from tests.integration.payments.street import Street
from tests.integration.supply.stalls import build_street

from kameng.jobs.api import drain
from kameng.settings import Settings

from .clock import still_moves
from .crew import QUEUE, Clock, Processes, Threads
from .market import Market, stands_of
from .person import settle_all
from .verdict import Verdict

ORDERS = int(os.environ.get("LIES_ORDERS") or 60)
SEED = int(os.environ.get("LIES_SEED") or time.time())
BIG = "LIES_ORDERS" in os.environ
QUIET_FOR_S = 2.0


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        made = build_street(Path(folder))
        yield made
        made.close()


@pytest.fixture(scope="module")
def settings(settings: Settings, street: Street) -> Settings:
    return street.beside(settings)


class Run:
    """One run: shoppers pay, hands work, time passes; then it is counted."""

    def __init__(self, shop: Shop, street: Street, settings: Settings, database: str) -> None:
        self.shop, self.settings, self.database = shop, settings, database
        self.queue = redis.Redis.from_url(settings.redis_url)
        self.queue.delete(QUEUE)
        self.market = Market(shop, stands_of(shop, street), random.Random(SEED))
        self.begun = time.monotonic()
        self.by_person: Counter[str] = Counter()
        self.kills = 0

    def say(self, *words: object) -> None:
        print(f"[{time.monotonic() - self.begun:5.0f} s]", *words, flush=True)

    def crew(self) -> Any:
        if BIG:
            return Processes(self.settings, hands=2, threads=6, pause_s=20, seed=SEED)
        return Threads(self.shop.app, self.queue, hands=6, share=0.03, seed=SEED)

    def drive(self, orders: range) -> None:
        """Sell, and go on until nothing moves without a person."""
        crew = self.crew()
        clock = Clock(self.database, self.queue, crew, every_s=2.0 if BIG else 0.3)
        try:
            for number in orders:
                self.market.sell(number)
                if number % 500 == 0 or number == orders[-1]:
                    self.say(number, "orders paid,", still_moves(self.shop.owner), "move")
                while BIG and self.queue.llen(QUEUE) > 1000:
                    time.sleep(0.1)
            self._until_quiet()
        finally:
            clock.stop()
            crew.stop()
        self.kills += crew.kills

    def _until_quiet(self) -> None:
        give_up, quiet = time.monotonic() + (3000 if BIG else 90), time.monotonic()
        told = 0.0
        while time.monotonic() - quiet < QUIET_FOR_S:
            moving = still_moves(self.shop.owner) + self.queue.llen(QUEUE) + self._untold()
            if moving:
                quiet = time.monotonic()
            if BIG and time.monotonic() - told > 20:
                told = time.monotonic()
                self.say(moving, "move")
            assert time.monotonic() < give_up, f"{moving} still move: {self._stuck()}"
            time.sleep(0.2)

    def _untold(self) -> int:
        """Notices that a supplier has not sent yet; those that nobody takes are sent for ever."""
        waiting = "SELECT count(*) AS n FROM callbacks WHERE state = 'waiting' AND tries < 2"
        return sum(int(s.store.row(waiting)["n"]) for s in self._simulators())

    def _simulators(self) -> list[Any]:
        return list({id(s.simulator): s.simulator for s in self.market.stands}.values())

    def _stuck(self) -> list[Any]:
        return self.shop.owner.execute(
            "SELECT plugin_id, state, code, waits_for, queries, sends, count(*) FROM purchase"
            " WHERE state IN ('created', 'sent', 'unknown') GROUP BY 1, 2, 3, 4, 5, 6 LIMIT 20"
        ).fetchall()

    def lies(self) -> dict[str, int]:
        """How often each was told."""
        told: Counter[str] = Counter()
        for simulator in self._simulators():
            told.update(simulator.warehouse.lies.told())
        return dict(told.most_common())


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_S6_whatever_suppliers_say_nothing_is_bought_twice(
    app: Any, settings: Settings, street: Street, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    street.door.shop = app.wsgi_app
    with capsys.disabled(), psycopg.connect(database, autocommit=True) as owner, app.app_context():
        shop = Shop(app, owner)
        shop.build()
        shop.plant("UPDATE data_key SET state = 'retired' WHERE master_id = 'test'")
        drain()
        run = Run(shop, street, settings, database)
        run.market.open(SEED)
        run.say(f"seed {SEED}: {ORDERS} orders at {len(run.market.stands)} stalls")
        run.drive(range(1, ORDERS + 1))
        first = Verdict(shop, run.market.stands)
        run.say("machines have done what they can:", dict(first.outcomes))
        assert first.faults == [], "\n".join(first.faults[:50])
        for _round in range(20):
            if not (done := settle_all(shop, run.market.stands)):
                break
            run.by_person.update(done)
            run.drive(range(0))
        last = Verdict(shop, run.market.stands)
        run.say("lies:", run.lies())
        run.say(
            run.kills,
            "hands killed; people:",
            dict(run.by_person),
            "in the end:",
            dict(last.outcomes),
        )
        assert last.faults == [], "\n".join(last.faults[:50])
        assert last.outcomes["open"] == 0
        assert sum(last.outcomes[each] for each in ("delivered", "short", "refunded")) == ORDERS
