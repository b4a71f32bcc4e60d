"""A flash sale over the open API: many buyers, few units, nobody twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta

import psycopg
from tests.bench import crowd, purchases
from tests.bench.cells.bench import Bench, delivered
from tests.bench.cells.stand import Stand
from tests.bench.client import Load
from tests.bench.fixture import ACTOR, Key, add_sku
from tests.bench.processes import cpu_seconds
from tests.bench.sites import GUNICORN

from kameng.db import main_scope, station_scope
from kameng.pricing import api as pricing
from kameng.promotions import api as promotions

FLASH_SKU, PRICE = "FLASH", 8_5000
BUYERS, UNITS = 5_000, 500
PATIENCE_S = 120.0


class Flash(Stand):
    """`flash_sale`: 5 000 buyers want 500 units of one SKU, 32 connections; decisions a second."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._keys: tuple[Key, ...] = ()
        self._rounds = 0

    def measures(self) -> Mapping[str, Callable[[], float]]:
        """One sale a round."""
        return {"flash_sale": self._sale}

    def prepare(self, names: Collection[str]) -> None:
        """Make the crowd, and let it meet every process once."""
        if "flash_sale" not in names:
            return
        site = self.bench.site
        self._keys = crowd.gather(self.bench.app, site.owner_url, BUYERS)
        with self.bench.app.app_context(), main_scope(reason=ACTOR):
            category = crowd.category_of(site.owner_url)
            sku = add_sku(FLASH_SKU, category, UNITS * (self.bench.planned + 1))
            pricing.reprice([sku])
        self.bench.ensure_web()
        self._sale()

    def _sale(self) -> float:
        name, owner_url = self._plan(), self.bench.site.owner_url
        requests = purchases.of_sale(self._keys, FLASH_SKU, name)
        before, spent = delivered(owner_url), cpu_seconds(GUNICORN)
        one = Load(self.bench.site.address, requests).run(PATIENCE_S)
        self.bench.rounds.setdefault("flash_sale", []).append(one)
        self.bench.note_cpu("flash_sale", (cpu_seconds(GUNICORN) - spent) / BUYERS * 1000)
        self.bench.compare("flash_sale", delivered(owner_url) - before)
        if one.answers != {201: UNITS, 409: BUYERS - UNITS}:
            self.bench.odd.append(f"flash_sale: answers {dict(one.answers)}")
        if (held := _buyers_with_a_unit(owner_url, name)) != UNITS:
            self.bench.odd.append(f"flash_sale: {held} buyers have a unit")
        return one.answers.total() / one.seconds

    def _plan(self) -> str:
        now = datetime.now(UTC)
        terms = promotions.Terms(FLASH_SKU, PRICE, UNITS, now, now + timedelta(hours=1))
        with self.bench.app.app_context(), station_scope(1):
            for sale in promotions.shown_sales():
                promotions.close_sale(sale.sale_no, ACTOR)
            return promotions.plan_sale(terms, ACTOR)


def _buyers_with_a_unit(owner_url: str, sale_no: str) -> int:
    query = (
        "SELECT count(DISTINCT u.buyer) FROM flash_unit u JOIN flash_sale f"
        " ON f.station_id = u.station_id AND f.id = u.sale_id WHERE f.sale_no = %s"
    )
    with psycopg.connect(owner_url) as owner:
        row = owner.execute(query, (sale_no,)).fetchone()
    return int(row[0]) if row else 0
