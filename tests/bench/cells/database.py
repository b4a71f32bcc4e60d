"""The limits of the database, the product's own function, and postings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import ClassVar

from tests.bench.cells.stand import Stand


class Database(Stand):
    """pgbench's cells."""

    cards: ClassVar = {"P": 3_000}

    def measures(self) -> Mapping[str, Callable[[], float]]:
        """T, D, P; postings by the ledger and by bare statements."""
        pgbench, seconds = self.bench.pgbench, self.bench.seconds
        return {
            "T": partial(pgbench.tpcb, seconds),
            "D": partial(pgbench.bare_order, seconds),
            "P": self._purchase,
            "posting": partial(pgbench.posting, seconds, "post"),
            "insert_only": partial(pgbench.posting, seconds, "insert_only"),
            "one_statement": partial(pgbench.posting, seconds, "one_statement"),
        }

    def prepare(self, names: Collection[str]) -> None:
        """Tables that have grown a little; see `fixture.settle`."""
        self._purchase()

    def _purchase(self) -> float:
        first_key = self.bench.fixture.keys[0].id
        return self.bench.pgbench.purchase(self.bench.seconds, first_key=first_key)
