"""Purchases beside many old orders and many stations: a site for each point of two curves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from functools import partial

import psycopg
from tests.bench import fixture, purchases
from tests.bench.cells.bench import REQUESTS_PER_S, WARM_UP, Bench, delivered
from tests.bench.cells.stand import Stand
from tests.bench.client import Load
from tests.bench.fixture import Fixture, Wanted
from tests.bench.inside import PURCHASE
from tests.bench.old_orders import multiply
from tests.bench.pgbench import BenchBroken
from tests.bench.sites import Site, further

from kameng.ops.books import verify_books

BOUGHT = 10_000  # really, before they are copied
# name: orders in tens of thousands, stations, number of the site
POINTS = {
    "growth_10k_10": (1, 10, 3),
    "growth_100k_10": (10, 10, 4),
    "growth_1m_10": (100, 10, 5),
    "growth_10k_100": (1, 100, 6),
    "growth_10k_1000": (1, 1_000, 7),
    "growth_1m_1000": (100, 1_000, 8),
}
SOURCES = {10: 2, 100: 10, 1_000: 11}  # numbers of the sites that they are copied from, by stations
CARDS_PER_S = 1_500
AWAKE_S = 1.0  # bought before a round: a shop left alone for minutes looks everything up again
PROVED = 10  # times: books that are proved within seconds stand for larger ones


class Growth(Stand):
    """Signed purchases as in `api_purchase`, half of them at the main station."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._sites: dict[str, tuple[Site, Fixture]] = {}

    def measures(self) -> Mapping[str, Callable[[], float]]:
        """One cell for each point."""
        return {name: partial(self._buy, name) for name in POINTS}

    def prepare(self, names: Collection[str]) -> None:
        """Make the sites, smaller ones first: larger ones begin as their copies."""
        wanted = [name for name in POINTS if name in names]
        made: dict[int, tuple[str, Fixture]] = {}  # by stations: a database without copies
        for name in wanted:
            times, stations, number = POINTS[name]
            if stations not in made:
                made[stations] = self._source(stations)
            source, traded = made[stations]
            site = further(self.bench.site.installation, name, number, source)
            multiply(site.owner_url, times)
            fixture.settle(site.owner_url)
            if times == PROVED:
                self._prove(site)
            self._sites[name] = site, traded
        for name in wanted:
            self._sites[name][0].start_web()
            for _second in range(WARM_UP):
                self._buy(name)

    def _source(self, stations: int) -> tuple[str, Fixture]:
        """A site with its first orders, which the points of so many stations are copied from."""
        name = f"source_{stations}"
        site = further(self.bench.site.installation, name, SOURCES[stations])
        cards = BOUGHT * 2 + int(
            CARDS_PER_S * (self.bench.seconds + AWAKE_S) * (WARM_UP + self.bench.planned)
        )
        each = max(1, fixture.AT_MAIN // stations)
        app = site.app()
        traded = fixture.fill(app, site.owner_url, Wanted(cards, 0, stations, each))
        buy_first(site.owner_url.replace("postgres@", "kameng_app@"), traded, BOUGHT)
        site.leave(app)
        return name, traded

    def _prove(self, site: Site) -> None:
        app = site.app()
        with app.app_context():
            report = verify_books(None)
        site.leave(app)
        if not report.ok:
            wrong = [check.name for check in report.checks if check.count]
            raise BenchBroken(f"the books of copied orders do not add up: {wrong}")

    def _buy(self, name: str) -> float:
        site, traded = self._sites[name]
        spell = purchases.half_at_main(traded, int(AWAKE_S * REQUESTS_PER_S))
        Load(site.address, spell).run(AWAKE_S)
        load = Load(site.address, purchases.half_at_main(traded, self.bench.requests))
        before = delivered(site.owner_url)
        rate = self.bench.rate(name, load)
        self.bench.compare(name, delivered(site.owner_url) - before)
        return rate


def buy_first(app_url: str, traded: Fixture, count: int) -> None:
    """Buy so many, one after the other, as role app."""
    with closing(psycopg.connect(app_url, autocommit=True)) as connection:
        connection.execute("SET synchronous_commit = off")
        for number in range(count):
            key, sku = purchases.half(traded, number)
            connection.execute(PURCHASE.encode(), (key.station_id, key.id, sku), prepare=True)
