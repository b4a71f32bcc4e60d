"""Verdicts, the control run, the JSON and the table."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.mutants.bench import BASE, Bench
from tests.mutants.mutant import Mutant

GATE = 0.95
VERDICTS = ("killed", "survived", "broken", "late")
KINDS = ("lock", "guard", "check", "unique", "policy", "python")
SERVERS_FAULT = (
    "OperationalError",
    "too many clients",
    "ConnectionError",
    "every database of the test Redis",
)


def result(mutant: Mutant, came_to: dict[str, Any]) -> dict[str, Any]:
    """One line of the report: what became of one mutant."""
    return {
        "id": mutant.id, "kind": mutant.kind, "place": mutant.place, "name": mutant.name, "removed": mutant.removed, "number": mutant.number,
        "verdict": verdict(came_to), "seconds": round(came_to.get("seconds", 0), 1), "test": came_to.get("test", ""),
        "why": came_to.get("why", ""), "ran": came_to.get("ran", 0),
    }  # fmt: skip


def verdict(came_to: dict[str, Any]) -> str:
    """A test that failed has killed it; a run that could not be held has said nothing.

    A fixture's failure counts, for its steps are the product's: unless a server was not there.
    """
    if came_to.get("late"):
        return "late"
    if came_to.get("exit") == 0 and came_to.get("ran"):
        return "survived"
    if (
        came_to.get("exit") == 1
        and came_to.get("test")
        and not any(w in came_to.get("why", "") for w in SERVERS_FAULT)
    ):
        return "killed"
    return "broken"


def control(bench: Bench, results: list[dict[str, Any]]) -> None:
    """Tests that have killed mutants of Python run once more on the whole product: one that fails there has proved nothing."""
    killers: dict[str, set[str]] = defaultdict(set)
    for one in results:
        if one["verdict"] == "killed" and one["kind"] == "python":
            killers[one["test"].partition("::")[0]].add(one["test"])
    fails: dict[str, str] = {}
    for file, tests in sorted(killers.items()):
        came_to = bench.run([file], sorted(tests), BASE, 300, all=True)
        if came_to.get("exit") != 0:
            fails |= dict.fromkeys(tests, str(came_to.get("test") or came_to.get("why", "")))
    for one in results:
        if one["kind"] == "python" and one["verdict"] == "killed" and one["test"] in fails:
            one |= {
                "verdict": "broken",
                "why": f"its test fails without the mutant, too: {fails[one['test']]}",
            }


def keep(results: list[dict[str, Any]], path: Path, *, seed: int, seconds: float) -> dict[str, Any]:
    """Write the JSON and give it back."""
    counts = {
        kind: Counter(one["verdict"] for one in results if one["kind"] == kind) for kind in KINDS
    }
    written = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "seed": seed, "seconds": round(seconds),
        "counts": {kind: dict(found) for kind, found in counts.items() if found}, "mutants": results,
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written, indent=1, ensure_ascii=False), encoding="utf-8")
    return written


def rate(written: dict[str, Any]) -> float:
    """Killed of all that could be tried."""
    total = Counter[str]()
    for found in written["counts"].values():
        total.update(found)
    tried = total["killed"] + total["survived"] + total["late"]
    return total["killed"] / tried if tried else 0.0


def passed(written: dict[str, Any]) -> bool:
    """Whether enough of the removed safeguards made a test fail."""
    return rate(written) >= GATE


def table(written: dict[str, Any]) -> str:
    """As Markdown, and what survived below it."""
    lines = ["", f"| kind | mutants | {' | '.join(VERDICTS)} |", "|---|---|---|---|---|---|"]
    for kind, found in written["counts"].items():
        lines.append(
            f"| {kind} | {sum(found.values())} | {' | '.join(str(found.get(v, 0)) for v in VERDICTS)} |"
        )
    lines += ["", f"{rate(written):.1%} killed, gate {GATE:.0%}, {written['seconds']} s", ""]
    lines += [
        f"{one['verdict']} {one['id']}: {one['place']} {one['name']}: {one['removed'][:160]} ({one['why'][:120]})"
        for one in written["mutants"] if one["verdict"] != "killed"
    ]  # fmt: skip
    return "\n".join(lines)
