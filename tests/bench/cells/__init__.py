"""The cells of a run: what each stand needs is started, then they are measured by name."""

from __future__ import annotations

from collections.abc import Callable, Collection

from tests.bench.cells.api import DEFAULT, Api
from tests.bench.cells.bench import Bench
from tests.bench.cells.checkout import Checkout
from tests.bench.cells.database import Database
from tests.bench.cells.flash import Flash
from tests.bench.cells.growth import Growth
from tests.bench.cells.pages import Pages
from tests.bench.cells.services import Services
from tests.bench.cells.stand import Stand
from tests.bench.fixture import Wanted, settle

STANDS: tuple[type[Stand], ...] = (Database, Services, Api, Flash, Checkout, Pages, Growth)
WARMING = 4  # rounds before the rounds


def wanted(names: Collection[str], seconds: float, rounds: int) -> Wanted:
    """Cards for these cells; P is run in any case."""
    per_s = {name: count for stand in STANDS for name, count in stand.cards.items()}
    used = {name: per_s.get(name, 0) for name in {*names, "P", DEFAULT[0]}}
    hot = used.pop("hot_sku", 0)
    total = seconds * (rounds + WARMING)
    return Wanted(int(total * sum(used.values())), max(100, int(total * hot)))


class Cells:
    """All cells of one run."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._stands = [stand(bench) for stand in STANDS]
        self._measures: dict[str, Callable[[], float]] = {}
        for stand in self._stands:
            self._measures |= stand.measures()

    def prepare(self, names: Collection[str]) -> None:
        """Start and warm what these cells need, and let the tables settle."""
        for stand in self._stands:
            stand.prepare(names)
        self._bench.forget()
        settle(self._bench.site.owner_url)

    def measure(self, name: str) -> float:
        """One round of a cell: its rate a second."""
        return self._measures[name]()
