"""What is taken once, after the rounds: durations, latency of the outbox, memory."""

from __future__ import annotations

from collections.abc import Collection

from tests.bench import loads
from tests.bench.cells.bench import Bench
from tests.bench.figures import jobs, memory


def take(bench: Bench, wanted: Collection[str]) -> dict[str, float]:
    """The wanted ones by name, in the units of their rows."""
    found: dict[str, float] = {}
    if "memory_web" in wanted:  # first: it is about the rounds that have just ended
        found["memory_web"] = memory.of_web()
    if "import_100k_cards" in wanted:
        found["import_100k_cards"] = round(loads.import_cards(bench.app, 100_000), 2)
    if "reprice_10k_listings" in wanted:
        found["reprice_10k_listings"] = round(loads.reprice(bench.app, 10_000), 2)
    if jobs.NAMES & set(wanted):
        found |= jobs.take(bench)
    return {name: value for name, value in found.items() if name in wanted}
