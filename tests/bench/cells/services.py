"""Orders by the product's services, without HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import ClassVar

from tests.bench import loads
from tests.bench.cells.bench import WARM_UP, Bench
from tests.bench.cells.stand import Stand
from tests.bench.service import Buyers, buyers


class Services(Stand):
    """Buying by balance from two processes, and through a gateway from one."""

    cards: ClassVar = {"order_service": 3_000, "place_pay": 500}

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._buyers: Buyers | None = None

    def measures(self) -> Mapping[str, Callable[[], float]]:
        """`order_service` and `place_pay`."""
        return {"order_service": self._order_service, "place_pay": self._place_pay}

    def prepare(self, names: Collection[str]) -> None:
        """Start the buyers' processes."""
        if "order_service" not in names:
            return
        settings = self.bench.site.settings
        self._buyers = self.bench.opened.enter_context(buyers(settings, self.bench.fixture))
        for _second in range(WARM_UP):
            self._buyers.run(self.bench.seconds)

    def _order_service(self) -> float:
        if self._buyers is None:
            raise RuntimeError("prepare() comes first")
        rate, cpu_ms = self._buyers.run(self.bench.seconds)
        self.bench.note_cpu("order_service", cpu_ms)
        return rate

    def _place_pay(self) -> float:
        return loads.place_and_pay(self.bench.app, self.bench.fixture, self.bench.seconds)
