"""What all cells share: the installation, what is traded, and a book of what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import psycopg
from flask import Flask
from tests.bench.client import Load, Round
from tests.bench.fixture import Fixture
from tests.bench.pgbench import PgBench
from tests.bench.processes import cpu_seconds
from tests.bench.sites import GUNICORN, Site

WARM_UP = 3  # rounds, so that all processes have met every member and SKU
REQUESTS_PER_S = (
    3_000  # more than any machine of two cores has answered; a round that runs out says so
)


@dataclass
class Bench:
    """One run. `rounds`, `cpu_ms` and `odd` are what was seen beside the rates."""

    site: Site
    app: Flask
    fixture: Fixture
    pgbench: PgBench
    seconds: float
    planned: int = 1  # rounds
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)  # what must be known beside the figures
    opened: ExitStack = field(default_factory=ExitStack)  # closed at the end of the run
    _web_runs: bool = False

    def ensure_web(self) -> None:
        """The product's own web server, started once."""
        if not self._web_runs:
            self.site.start_web()
            self._web_runs = True

    @property
    def requests(self) -> int:
        """How many to make ready for one round."""
        return int(self.seconds * REQUESTS_PER_S)

    def rate(
        self, name: str, load: Load, server: str = GUNICORN, wanted: int = 201,
        seconds: float | None = None,
    ) -> float:  # fmt: skip
        """Run a round of a cell: its rate a second. What is not as wanted must not hide behind it.

        `seconds`: where a cell needs another length than the run's.
        """
        before = cpu_seconds(server)
        one = load.run(seconds or self.seconds)
        spent = cpu_seconds(server) - before
        self.rounds.setdefault(name, []).append(one)
        self.note_cpu(name, spent / max(1, one.answers.total()) * 1000)
        others = {status: count for status, count in one.answers.items() if status != wanted}
        if others:
            self.odd.append(f"{name}: other answers than {wanted}: {others}")
        if one.ran_out:
            self.odd.append(f"{name}: the client ran out of requests")
        return one.rate

    def note_cpu(self, name: str, ms: float) -> None:
        """CPU of Python's processes for one request of a cell."""
        self.cpu_ms.setdefault(name, []).append(ms)

    def compare(self, name: str, sold: int) -> None:
        """As many orders as good answers, or it is said."""
        answered = self.rounds[name][-1].good
        if sold != answered:
            self.odd.append(f"{name}: {answered} good answers, {sold} orders")

    def forget(self) -> None:
        """Nothing of the warming up counts."""
        self.rounds.clear()
        self.cpu_ms.clear()

    def latencies(self) -> dict[str, list[float]]:
        """All of all rounds, by cell."""
        return {
            name: [value for one in rounds for value in one.latencies]
            for name, rounds in self.rounds.items()
        }

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


def delivered(owner_url: str, channel: str = "api") -> int:
    """Orders of a channel (`api` or `web`) that have their cards."""
    query = "SELECT count(*) FROM orders WHERE channel = %s AND state = 'delivered'"
    with psycopg.connect(owner_url) as owner:
        row = owner.execute(query, (channel,)).fetchone()
    return int(row[0]) if row else 0


def _answers(rounds: Sequence[Round]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in rounds:
        for status, count in one.answers.items():
            total[str(status)] = total.get(str(status), 0) + count
    return total
