"""What is measured: cells (a rate within one round) and rows (a ratio of two cells)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import psycopg
from flask import Flask
from tests.bench import loads, purchases
from tests.bench.client import Load, Round
from tests.bench.fixture import Fixture, settle
from tests.bench.pgbench import PgBench
from tests.bench.processes import cpu_seconds
from tests.bench.report import Row
from tests.bench.servers import Installation
from tests.bench.service import Buyers, buyers

LIMITS = ("T", "D", "P")
ROWS = (
    Row("purchase_function", "P", "D", 0.40),
    Row("order_service", "order_service", "P", 0.70),
    Row("api_purchase", "api_purchase", "T", 0.20),
    Row("hot_sku", "hot_sku", "api_purchase", 0.90),
    Row("hot_wallet", "hot_wallet", "api_purchase", 0.80),
    Row("place_pay", "place_pay", "T"),
    Row("posting", "posting", "insert_only"),
    Row("posting_one_statement", "posting", "one_statement"),
    Row("import", "import_100k_cards", ""),
    Row("reprice", "reprice_10k_listings", ""),
)
# Requests that are signed for one second, and cards for one second of all cells: more than any
# machine of two cores has used up. A round that runs out says so.
WARM_UP = 3  # rounds, so that both processes have met every member and SKU
REQUESTS_PER_S, CARDS_PER_S, HOT_PER_S, BARE_PER_S = 3_000, 12_000, 2_500, 12_000


def chosen(names: Sequence[str]) -> list[Row]:
    """Rows by name, all without names; raises `ValueError` for an unknown one."""
    unknown = set(names) - {row.name for row in ROWS}
    if unknown:
        raise ValueError(f"no such row: {', '.join(sorted(unknown))}")
    return [row for row in ROWS if not names or row.name in names]


def cells_of(rows: Sequence[Row]) -> list[str]:
    """Cells that these rows need, once each; what is compared stands side by side."""
    wanted = [name for row in rows if row.over for name in (row.over, row.cell)]
    return list(dict.fromkeys(wanted))


@dataclass
class Cells:
    """The cells of one run, and what was seen beside the rates."""

    installation: Installation
    app: Flask
    fixture: Fixture
    pgbench: PgBench
    seconds: float
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)  # what must be known beside the figures
    _open: ExitStack = field(default_factory=ExitStack)
    _buyers: Buyers | None = None

    def prepare(self, names: Sequence[str]) -> None:
        """Start the processes that these cells need; `close` ends them."""
        if "order_service" in names:
            settings = self.installation.settings
            self._buyers = self._open.enter_context(buyers(settings, self.fixture))
            for _second in range(WARM_UP):
                self._buyers.run(self.seconds)
        if {"api_purchase", "hot_sku", "hot_wallet"} & set(names):
            self.installation.start_web()
            for _second in range(WARM_UP):
                self._http("warming up", purchases.spread)
            self.rounds.clear()
            self.cpu_ms.clear()
        self._purchase()
        settle(self.installation.owner_url)

    def close(self) -> None:
        """End them."""
        self._open.close()

    def measure(self, name: str) -> float:
        """One round of a cell: its rate a second."""
        measures: dict[str, Callable[[], float]] = {
            "T": lambda: self.pgbench.tpcb(self.seconds),
            "D": lambda: self.pgbench.bare_order(self.seconds),
            "P": self._purchase,
            "order_service": self._order_service,
            "api_purchase": lambda: self._http("api_purchase", purchases.spread),
            "hot_sku": lambda: self._http("hot_sku", purchases.one_sku),
            "hot_wallet": lambda: self._http("hot_wallet", purchases.one_wallet),
            "place_pay": lambda: loads.place_and_pay(self.app, self.fixture, self.seconds),
            "posting": lambda: self.pgbench.posting(self.seconds, "post"),
            "insert_only": lambda: self.pgbench.posting(self.seconds, "insert_only"),
            "one_statement": lambda: self.pgbench.posting(self.seconds, "one_statement"),
        }
        return measures[name]()

    def _purchase(self) -> float:
        return self.pgbench.purchase(self.seconds, first_key=self.fixture.keys[0].id)

    def _order_service(self) -> float:
        if self._buyers is None:
            raise RuntimeError("prepare() comes first")
        rate, cpu_ms = self._buyers.run(self.seconds)
        self.cpu_ms.setdefault("order_service", []).append(cpu_ms)
        return rate

    def _http(self, name: str, make: Callable[[Fixture, int], list[bytes]]) -> float:
        requests = make(self.fixture, int(self.seconds * REQUESTS_PER_S))
        before, sold_before = cpu_seconds("gunicorn"), self._sold()
        one = Load(self.installation.address, requests).run(self.seconds)
        cpu_ms = (cpu_seconds("gunicorn") - before) / max(1, one.answers.total()) * 1000
        self.rounds.setdefault(name, []).append(one)
        self.cpu_ms.setdefault(name, []).append(cpu_ms)
        self._look(name, one, self._sold() - sold_before)
        return one.rate

    def _look(self, name: str, one: Round, sold: int) -> None:
        """Whatever is not a plain 201 must not hide behind a rate."""
        others = {status: count for status, count in one.answers.items() if status != 201}
        if others:
            self.odd.append(f"{name}: other answers than 201: {others}")
        if one.ran_out:
            self.odd.append(f"{name}: the client ran out of requests")
        if sold != one.answers[201]:
            self.odd.append(f"{name}: {one.answers[201]} answers of 201, {sold} orders")

    def _sold(self) -> int:
        with psycopg.connect(self.installation.owner_url) as owner:
            row = owner.execute("SELECT count(*) FROM orders WHERE channel = 'api'").fetchone()
        return int(row[0]) if row else 0

    def seconds_of(self, rows: Sequence[Row]) -> dict[str, float]:
        """Durations that are taken once, after the rounds."""
        known: dict[str, Callable[[], float]] = {
            "import_100k_cards": lambda: loads.import_cards(self.app, 100_000),
            "reprice_10k_listings": lambda: loads.reprice(self.app, 10_000),
        }
        return {row.cell: round(known[row.cell](), 2) for row in rows if not row.over}

    def beside(self) -> dict[str, Any]:
        """Answers by status, the client's share of a core, CPU a request, and what was odd."""
        return {
            "answers": {name: _answers(rounds) for name, rounds in self.rounds.items()},
            "client_cpu_share": {
                name: round(max(one.cpu_share for one in rounds), 3)
                for name, rounds in self.rounds.items()
            },
            "cpu_ms": {
                name: round(sum(values) / len(values), 3) for name, values in self.cpu_ms.items()
            },
            "odd": self.odd,
        }

    def latencies(self) -> dict[str, list[float]]:
        """All of all rounds, by cell."""
        return {
            name: [value for one in rounds for value in one.latencies]
            for name, rounds in self.rounds.items()
        }


def _answers(rounds: Sequence[Round]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in rounds:
        for status, count in one.answers.items():
            total[str(status)] = total.get(str(status), 0) + count
    return total
