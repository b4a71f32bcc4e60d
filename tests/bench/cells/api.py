"""Signed purchases over HTTP, under gunicorn, its kinds of workers, and granian."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import ClassVar

from tests.bench import purchases
from tests.bench.cells.bench import WARM_UP, delivered
from tests.bench.cells.stand import Stand
from tests.bench.client import Load
from tests.bench.fixture import Fixture
from tests.bench.sites import GRANIAN, GUNICORN, Site, beside

DEFAULT = ("api_purchase", "hot_sku", "hot_wallet")
UNDER_GRANIAN = "api_purchase_granian"
# One thread, or gunicorn would make threads of it all the same.
KINDS = {
    "workers_sync": ("-k", "sync", "--threads", "1"),
    "workers_gthread": ("-k", "gthread"),
}
PORTS = {UNDER_GRANIAN: 21, "workers_sync": 22, "workers_gthread": 23}
Make = Callable[[Fixture, int], list[bytes]]


class Api(Stand):
    """`POST /api/v1/orders`, 32 connections."""

    cards: ClassVar = {name: 1_500 for name in (*DEFAULT, UNDER_GRANIAN, *KINDS)}

    def measures(self) -> Mapping[str, Callable[[], float]]:
        """All of them; `hot_…` want one SKU, or have one wallet."""
        hot: dict[str, Make] = {"hot_sku": purchases.one_sku, "hot_wallet": purchases.one_wallet}
        return {
            name: partial(self._buy, name, hot.get(name, purchases.spread)) for name in self.cards
        }

    def prepare(self, names: Collection[str]) -> None:
        """Start the servers that are needed."""
        site = self.bench.site
        if set(DEFAULT) & set(names):
            self.bench.ensure_web()
            self._warm("api_purchase")
        if UNDER_GRANIAN in names:
            _site(site, UNDER_GRANIAN).start_web(GRANIAN)
            self._warm(UNDER_GRANIAN)
        for name in KINDS.keys() & set(names):
            _site(site, name).start_web(words=KINDS[name])
            self._warm(name)

    def _warm(self, name: str) -> None:
        for _second in range(WARM_UP):
            self._buy(name, purchases.spread)

    def _buy(self, name: str, make: Make) -> float:
        owner_url = self.bench.site.owner_url
        load = Load(
            _site(self.bench.site, name).address, make(self.bench.fixture, self.bench.requests)
        )
        before = delivered(owner_url)
        rate = self.bench.rate(name, load, GRANIAN if name == UNDER_GRANIAN else GUNICORN)
        self.bench.compare(name, delivered(owner_url) - before)
        return rate


def _site(site: Site, name: str) -> Site:
    return beside(site, PORTS[name]) if name in PORTS else site
