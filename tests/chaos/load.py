"""The load: shoppers on the pages and integrators at the API, each with goods chosen by the seed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .client import Integrator
from .history import History
from .installation import Installation
from .shopper import Shopper

RACERS, RACE_ATTEMPTS = 32, 132
SHOPPERS, INTEGRATORS, PAUSE_S = 10, 6, (0.2, 1.5)
# What the demo's simulated suppliers sell: the SKU, and whether an account is topped up.
SUPPLIED = {"FN-M": False, "HF30": True, "HF50": True, "LL5": True}


class Load:
    """Everybody buys until told to end; whoever has begun something finishes it."""

    def __init__(
        self, shop: Installation, history: History, goods: Mapping[str, Any], seed: int
    ) -> None:
        self._shop, self._history, self._goods, self._seed = shop, history, goods, seed
        self._over = threading.Event()
        self._race = iter(range(RACE_ATTEMPTS))
        self._lock = threading.Lock()
        self.outcomes: Counter[str] = Counter()
        self.errors: list[str] = []
        self._station = urlsplit(shop.info["station_urls"][0]).netloc
        self._main = urlsplit(shop.info["main_url"]).netloc
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """First all race for the one small pool; the first shoppers stay and buy other things."""
        for number in range(RACERS):
            self._start(self._shopper, number)
        for number in range(INTEGRATORS):
            self._start(self._integrator, number)

    def end(self) -> None:
        """Nobody begins anything more; returns when everybody is done."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[[int, random.Random], None], number: int) -> None:
        source = random.Random(f"{self._seed}:{work.__name__}:{number}")
        thread = threading.Thread(target=self._guarded, args=(work, number, source), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, work: Callable[..., None], number: int, source: random.Random) -> None:
        try:
            work(number, source)
        except Exception as error:  # a client that breaks is a fault of the run, and is shown
            self.errors.append(f"{work.__name__} {number}: {error!r}")

    def _shopper(self, number: int, source: random.Random) -> None:
        while self._next_in_race():
            self._count("race", self._by_page(source, self._goods["race"], 1, {}, "pay"))
        while number < SHOPPERS and not self._over.is_set():
            self._count("web", self._by_page(source, *self._choose(source)))
            self._rest(source)

    def _next_in_race(self) -> bool:
        with self._lock:
            return next(self._race, None) is not None

    def _by_page(self, source: random.Random, *wish: Any) -> str:
        shopper = Shopper(
            self._shop.base, self._station, self._shop.simulators, self._history, source
        )
        try:
            return shopper.buy(*wish)
        finally:
            shopper.close()

    def _integrator(self, number: int, source: random.Random) -> None:
        key = self._goods["keys"][number]
        buyer = Integrator(self._shop.base, self._main, key, self._history)
        while not self._over.is_set():
            self._count("api", buyer.buy(*self._choose(source), source))
            self._rest(source)

    def _choose(self, source: random.Random) -> tuple[str, int, dict[str, str]]:
        if source.random() < 0.6:
            return source.choice(self._goods["pools"]), source.choice((1, 1, 1, 2, 3)), {}
        sku = source.choice(list(SUPPLIED))
        # Endings from 90 on make the simulators choose an ending of their own.
        phone = f"138{source.randrange(10**6):06d}{source.randrange(90):02d}"
        return sku, 1, {"phone": phone} if SUPPLIED[sku] else {}

    def _count(self, who: str, outcome: str) -> None:
        with self._lock:
            self.outcomes[f"{who} {outcome}"] += 1

    def _rest(self, source: random.Random) -> None:
        self._over.wait(source.uniform(*PAUSE_S))
