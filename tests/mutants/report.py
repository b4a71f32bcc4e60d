"""Verdicts, the JSON and the table."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.mutants import equivalents
from tests.mutants.mutant import Mutant

GATE = 0.95
VERDICTS = ("killed", "survived", "equivalent", "broken", "late", "untried")
KINDS = ("lock", "guard", "check", "unique", "policy", "python")
SERVERS_FAULT = (
    "OperationalError",
    "too many clients",
    "ConnectionError",
    "every database of the test Redis",
)
# Also operational errors, and yet what a statement came to.
STATEMENTS_END = ("QueryCanceled", "DeadlockDetected", "LockNotAvailable")


def result(mutant: Mutant, came_to: dict[str, Any]) -> dict[str, Any]:
    """One line of the report: what became of one mutant; `came_to` is empty when it was not tried."""
    said, why = _beside_equivalents(mutant, verdict(came_to), came_to.get("why", ""))
    return {
        "id": mutant.id, "kind": mutant.kind, "place": mutant.place, "name": mutant.name, "removed": mutant.removed, "number": mutant.number,
        "verdict": said, "seconds": round(came_to.get("seconds", 0), 1), "test": came_to.get("test", ""),
        "why": why, "ran": came_to.get("ran", 0),
    }  # fmt: skip


def _beside_equivalents(mutant: Mutant, said: str, why: str) -> tuple[str, str]:
    """The verdict and its reason, with what is known of mutants that change nothing."""
    equal = equivalents.reason(mutant)
    if equal and said == "survived":
        return "equivalent", equal
    if equal and said == "killed":
        return "broken", "in the list of equivalents, yet a test kills it: change the list"
    return said, why


def verdict(came_to: dict[str, Any]) -> str:
    """A test that failed has killed it; a run that could not be held has said nothing.

    A fixture's failure counts, for its steps are the product's: unless a server was not there.
    """
    if not came_to:
        return "untried"
    if came_to.get("late"):
        return "late"
    if came_to.get("exit") == 0 and came_to.get("ran"):
        return "survived"
    why = came_to.get("why", "")
    ended = any(word in why for word in STATEMENTS_END)
    fault = not ended and any(word in why for word in SERVERS_FAULT)
    if came_to.get("exit") == 1 and came_to.get("test") and not fault:
        return "killed"
    return "broken"


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


def rates(written: dict[str, Any]) -> tuple[float, float]:
    """Killed of all that are no equivalents, and of all: what broke, was late or was not tried is not killed."""
    total = Counter[str]()
    for found in written["counts"].values():
        total.update(found)
    everything = total.total()
    gated = everything - total["equivalent"]
    return total["killed"] / max(1, gated), total["killed"] / max(1, everything)


def passed(written: dict[str, Any]) -> bool:
    """Whether enough of the removed safeguards made a test fail."""
    return rates(written)[0] >= GATE


def table(written: dict[str, Any]) -> str:
    """As Markdown, and what survived below it."""
    lines = ["", f"| kind | mutants | {' | '.join(VERDICTS)} |", "|---" * (len(VERDICTS) + 2) + "|"]
    for kind, found in written["counts"].items():
        lines.append(
            f"| {kind} | {sum(found.values())} | {' | '.join(str(found.get(v, 0)) for v in VERDICTS)} |"
        )
    gated, plain = rates(written)
    lines += [
        "",
        f"{gated:.1%} killed (equivalents counted: {plain:.1%}), gate {GATE:.0%}, {written['seconds']} s",
        "",
    ]
    lines += [
        f"{one['verdict']} {one['id']}: {one['place']} {one['name']}: {one['removed'][:160]} ({one['why'][:120]})"
        for one in written["mutants"] if one["verdict"] not in ("killed", "untried")
    ]  # fmt: skip
    return "\n".join(lines)
