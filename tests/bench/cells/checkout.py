"""From the order to the card by way of a gateway: two requests of a shopper and of the gateway."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import ClassVar

from tests.bench.cells.bench import WARM_UP, Bench, delivered
from tests.bench.cells.stand import Stand
from tests.bench.checkouts import Gateway, Shoppers
from tests.bench.client import Dialogs
from tests.bench.fixture import GATEWAY

from kameng.plugins import api as plugins

NAME = "pay_to_card"


class Checkout(Stand):
    """32 buyers, each with one order after the other; one counts when its card is delivered."""

    cards: ClassVar = {NAME: 800}

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._parties: tuple[Shoppers, Gateway] | None = None

    def measures(self) -> Mapping[str, Callable[[], float]]:
        """Orders a second from place to card."""
        return {NAME: self._buy}

    def prepare(self, names: Collection[str]) -> None:
        """Tokens and prices as pages showed them."""
        if NAME not in names:
            return
        bench = self.bench
        with bench.app.app_context():
            path = plugins.hook_path(1, GATEWAY)  # the main station's account serves all
        shoppers = Shoppers(bench.app, bench.site.owner_url, bench.fixture)
        self._parties = shoppers, Gateway(path)
        bench.ensure_web()
        for _second in range(WARM_UP):
            self._buy()

    def _buy(self) -> float:
        if self._parties is None:
            raise RuntimeError("prepare() comes first")
        (shoppers, gateway), site = self._parties, self.bench.site
        orders = shoppers.orders(self.bench.requests // 2)
        load = Dialogs(site.address, orders, gateway.notice, first_status=303, wanted_status=200)
        before = delivered(site.owner_url, "web")
        rate = self.bench.rate(NAME, load, wanted=200)
        self.bench.compare(NAME, delivered(site.owner_url, "web") - before)
        return rate
