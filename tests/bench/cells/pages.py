"""The front page of a hundred stations, with caches and without, and a bare page to compare with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import cycle, islice

from tests.bench import fixture
from tests.bench.cells.bench import Bench
from tests.bench.cells.stand import Stand
from tests.bench.client import Load
from tests.bench.sites import Site, beside, further

from kameng.web import kept_pages

STATIONS, LISTINGS, NUMBER = 100, 50, 1
BARE, COLD = 31, 32  # ports
LIFE_S = kept_pages.FRESH_S + kept_pages.GRACE_S / 2
WARMING_S = kept_pages.FRESH_S / 2
WANTED = fixture.Wanted(
    spread=LISTINGS * 20, hot=0, stations=STATIONS, members_each=0, skus=LISTINGS
)


class Pages(Stand):
    """Anonymous visitors, 32 connections from as many addresses: limits go by the address."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._site: Site | None = None

    def measures(self) -> Mapping[str, Callable[[], float]]:
        """H, and the product's front page warm and cold."""
        return {
            "H": lambda: self._visit("H", BARE),
            "page_warm": self._warm,
            "page_cold": lambda: self._visit("page_cold", COLD),
        }

    def prepare(self, names: Collection[str]) -> None:
        """A site with a hundred stations of fifty listings, and the servers."""
        wanted = {"H", "page_warm", "page_cold"} & set(names)
        if not wanted:
            return
        self._site = site = further(self.bench.site.installation, "pages", NUMBER)
        fixture.fill(site.app(), site.owner_url, WANTED)
        fixture.settle(site.owner_url)
        beside(site, BARE).start_web(application="tests.bench.bare:app")
        if "page_warm" in names:
            site.start_web()
        if "page_cold" in names:
            beside(site, COLD).start_web(application="tests.bench.cold:app")
        for name in sorted(wanted):
            self.measures()[name]()

    def _visit(self, name: str, port: int) -> float:
        if self._site is None:
            raise RuntimeError("prepare() comes first")
        site = beside(self._site, port) if port else self._site
        # A page is answered far more often than an order.
        load = visits(site, STATIONS, 5 * self.bench.requests)
        return self.bench.rate(name, load, wanted=200)

    def _warm(self) -> float:
        """Every page is drawn before the clock runs, and once while it does: as on any day."""
        if self._site is None:
            raise RuntimeError("prepare() comes first")
        seconds = max(self.bench.seconds, LIFE_S)
        count = int(5 * self.bench.requests * (seconds + WARMING_S) / self.bench.seconds)
        visits(self._site, STATIONS, count).run(WARMING_S)
        load = visits(self._site, STATIONS, count)
        return self.bench.rate("page_warm", load, wanted=200, seconds=seconds)


def visits(site: Site, stations: int, count: int) -> Load:
    """Front pages of so many stations in turn."""
    each = [_get(fixture.host_of(fixture.FIRST_STATION + n)) for n in range(stations)]
    return Load(site.address, list(islice(cycle(each), count)), 200, spread_out=True)


def _get(host: str) -> bytes:
    head = f"GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0 bench\r\n"
    return f"{head}Accept: text/html\r\nAccept-Language: zh-CN\r\n\r\n".encode()
