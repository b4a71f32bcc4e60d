"""From rounds to figures: medians, ratios round by round, percentiles; a table, JSON and history."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NONE = "–"


@dataclass(frozen=True)
class Row:
    """A ratio of two cells, or a duration (`over` empty); `goal` None: none is set."""

    name: str
    cell: str
    over: str
    goal: float | None = None


Taken = Mapping[str, Sequence[float]]


def ratios(rows: Sequence[Row], taken: Taken) -> dict[str, list[float]]:
    """Each row's ratio of every round: both were measured within the same few seconds."""
    return {
        row.name: [a / b for a, b in zip(taken[row.cell], taken[row.over], strict=True) if b]
        for row in rows
        if row.over and row.cell in taken and row.over in taken
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most."""
    return {
        "median": _short(statistics.median(values)),
        "min": _short(min(values)),
        "max": _short(max(values)),
    }


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds, by the nearest rank: real latencies, nothing in between."""
    ordered = sorted(seconds)
    return {
        f"p{share}": round(ordered[math.ceil(len(ordered) * share / 100) - 1] * 1000, 2)
        for share in (50, 99)
    }


def figures(
    rows: Sequence[Row], limits: Sequence[str], taken: Taken, latencies: Taken
) -> dict[str, Any]:
    """What goes into the JSON file, without date and settings."""
    found = ratios(rows, taken)
    goals = {row.name: row.goal for row in rows}
    return {
        "ratios": {
            name: {"value": _short(statistics.median(values)), "goal": goals[name]}
            for name, values in found.items()
            if values
        },
        "limits": {
            name: _short(statistics.median(taken[name])) for name in limits if name in taken
        },
        "rates": {name: spread(values) for name, values in taken.items() if values},
        "spread": {name: spread(values) for name, values in found.items() if values},
        "latency_ms": {name: percentiles(values) for name, values in latencies.items() if values},
    }


def table(found: Mapping[str, Any]) -> str:
    """The same for people: ratios first, then what they were made of."""
    lines = [_line("ratio", "median", "min", "max", "goal", "")]
    for name, one in found["ratios"].items():
        reached = "" if one["goal"] is None else "yes" if one["value"] >= one["goal"] else "NO"
        lines.append(_line(name, *_three(found["spread"][name]), _text(one["goal"]), reached))
    lines += ["", _line("per second", "median", "min", "max", "p50 ms", "p99 ms")]
    for name, one in found["rates"].items():
        late = found["latency_ms"].get(name, {})
        lines.append(_line(name, *_three(one), _text(late.get("p50")), _text(late.get("p99"))))
    for name, value in found.get("seconds", {}).items():
        lines.append(_line(f"{name} s", _text(value), "", "", "", ""))
    return "\n".join(line.rstrip() for line in lines)


def keep(found: Mapping[str, Any], path: Path) -> None:
    """Write the JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def note(found: Mapping[str, Any], page: Path) -> None:
    """Add a row to the history, by the names in the head of the page's last table."""
    text = page.read_text(encoding="utf-8")
    head = re.findall(r"^\| (day \|.+) \|$", text, re.MULTILINE)[-1]
    cells = [_cell(found, name.strip(" `")) for name in head.split("|")]
    page.write_text(f"{text.rstrip()}\n| {' | '.join(cells)} |\n", encoding="utf-8")


def _cell(found: Mapping[str, Any], name: str) -> str:
    if name == "day":
        return str(found["at"])[:10]
    if name in found["ratios"]:
        return _text(found["ratios"][name]["value"])
    if name in found["rates"]:
        return _text(found["rates"][name]["median"])
    return _text(found.get("seconds", {}).get(name))


def _three(one: Mapping[str, float]) -> tuple[str, str, str]:
    return _text(one["median"]), _text(one["min"]), _text(one["max"])


def _line(name: str, *cells: str) -> str:
    return f"{name:24}" + "".join(f"{cell:>11}" for cell in cells)


def _text(value: float | None) -> str:
    return NONE if value is None else f"{value:g}"


def _short(value: float) -> float:
    """Three digits behind the point for ratios, one for rates."""
    return round(value, 3 if value < 10 else 1)
