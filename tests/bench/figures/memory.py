"""Resident memory of the product's processes, as the kernel counts it: shared pages count for each."""

from __future__ import annotations

from tests.bench.pgbench import BenchBroken
from tests.bench.processes import offspring, resident_mb


def of_web() -> float:
    """Megabytes of the largest process of gunicorn that answers requests of the product."""
    return _largest("wsgi:app")


def of_worker() -> float:
    """Megabytes of the largest process that does jobs."""
    return _largest("dramatiq")


def _largest(word: str) -> float:
    sizes = [resident_mb(pid) for pid in offspring(word, themselves=False)]
    if not sizes:
        raise BenchBroken(f"no process of {word} runs")
    return round(max(sizes), 1)
