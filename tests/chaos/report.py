"""What a run came to: JSON for machines, a few lines for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .checker import answered
from .facts import Facts
from .faults import CATALOGUE
from .history import Event

SHOWN = 10


def make(
    events: Sequence[Event], facts: Facts, found: Mapping[str, Any], **run: Any
) -> dict[str, Any]:
    """The report; `run` are the run's own figures (seed, seconds, faults, …)."""
    kills = sum(n for name, n in run["faults"].items() if _kills(name))
    sold = {sku: pool.sold for sku, pool in facts.pools.items()}
    return {
        **run,
        "process_kills": kills,
        "database_stops": run["faults"].get("PostgreSQL immediate stop", 0),
        "operations": dict(answered(events)),
        "answers_lost": sum(e["event"] == "info" for e in events if e["what"] == "buy"),
        "orders": dict(Counter(order.state for order in facts.orders)),
        "waiting_for_a_person": sorted({o.waits for o in facts.orders if o.waits}),
        "cards_sold": sold,
        "books": "clean" if not facts.books else "not clean",
        "violations": found,
        "ok": not found and not run["problems"],
    }


def _kills(name: str) -> bool:
    return any(fault.kills for fault in CATALOGUE if fault.name == name)


def write(report: Mapping[str, Any], path: Path) -> None:
    """Keep it for machines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def lines(report: Mapping[str, Any]) -> list[str]:
    """A short summary."""
    faults = ", ".join(f"{name} {n}" for name, n in sorted(report["faults"].items()))
    found = [
        f"VIOLATION {rule}: {sentence}"
        for rule, sentences in report["violations"].items()
        for sentence in sentences[:SHOWN]
    ]
    count = sum(map(len, report["violations"].values()))
    return [
        f"seed {report['seed']}, {report['seconds']} s of load, all over after {report['settled_s']} s",
        f"faults: {faults}" + "".join(f"; not possible here: {n}" for n in report["left_out"]),
        f"{report['process_kills']} process kills, {report['database_stops']} database stops",
        f"orders: {_counts(report['operations'])}; {report['answers_lost']} answers lost",
        f"in the end: {_counts(report['orders'])}; books {report['books']}",
        *(f"PROBLEM {problem}" for problem in report["problems"][:SHOWN]),
        *found,
        f"{count} violations",
    ]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items()))
