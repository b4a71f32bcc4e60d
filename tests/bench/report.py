"""From rounds to figures: medians, ratios round by round, percentiles; a table, JSON and history."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NONE = "–"
# Parts of the JSON file that are about one row or one cell each.
BY_NAME = frozenset({
    "spread", "limits", "rates", "latency_ms", "seconds", "answers", "cpu_ms", "client_cpu_share",
})  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A ratio of two cells, or a figure that is taken once (`over` empty); `goal` None: none is set.

    `group` is another name for several rows; `asked`: measured only when it is named.
    """

    name: str
    cell: str
    over: str = ""
    goal: float | None = None
    better: str = "higher"
    unit: str = "ratio"
    group: str = ""
    quick: bool = True
    asked: bool = False

    def reached(self, value: float) -> dict[str, Any]:
        """The row as it stands in the JSON file."""
        return {
            "value": _short(value), "goal": self.goal, "better": self.better, "unit": self.unit,
        }  # fmt: skip


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
    rows: Sequence[Row],
    limits: Sequence[str],
    taken: Taken,
    latencies: Taken,
    once: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """What goes into the JSON file, without date and settings; `once`: figures by their cell."""
    found = ratios(rows, taken)
    values = {name: statistics.median(several) for name, several in found.items() if several}
    values |= {row.name: once[row.cell] for row in rows if once and row.cell in once}
    return {
        "ratios": {row.name: row.reached(values[row.name]) for row in rows if row.name in values},
        "limits": {
            name: _short(statistics.median(taken[name])) for name in limits if name in taken
        },
        "rates": {name: spread(values) for name, values in taken.items() if values},
        "spread": {name: spread(values) for name, values in found.items() if values},
        "latency_ms": {name: percentiles(values) for name, values in latencies.items() if values},
        "seconds": {
            row.cell: once[row.cell]
            for row in rows
            if once and row.cell in once and row.unit == "s"
        },
    }


def goal_share(one: Mapping[str, Any]) -> float | None:
    """How much of its goal a row has reached, 1 or more for all of it; None without a goal."""
    value, goal = one["value"], one["goal"]
    if goal is None:
        return None
    if one.get("better") == "lower":
        return float(goal / value) if value else math.inf
    return float(value / goal)


def table(found: Mapping[str, Any]) -> str:
    """The same for people: rows first, then what they were made of."""
    lines = [_line("row", "value", "min", "max", "goal", "", "")]
    for name, one in found["ratios"].items():
        share = goal_share(one)
        reached = "" if share is None else "yes" if share >= 1 else "NO"
        least, most = _extremes(found["spread"].get(name))
        unit = "" if one["unit"] == "ratio" else one["unit"]
        value, goal = _text(one["value"]), _text(one["goal"])
        lines.append(_line(name, value, least, most, goal, reached, unit))
    lines += ["", _line("per second", "median", "min", "max", "p50 ms", "p99 ms")]
    for name, one in found["rates"].items():
        late = found["latency_ms"].get(name, {})
        lines.append(_line(name, *_three(one), _text(late.get("p50")), _text(late.get("p99"))))
    return "\n".join(line.rstrip() for line in lines)


def changes(found: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """How each row has moved since an earlier run; empty when none can be compared."""
    lines = []
    for name, one in found["ratios"].items():
        earlier = before.get("ratios", {}).get(name, {})
        if was := earlier.get("value"):
            by = f"{(one['value'] / was - 1) * 100:+.0f} %"
            since = str(earlier.get("at", before.get("at", "")))[:16]
            lines.append(_line(name, _text(was), _text(one["value"]), by) + f"  {since}")
    if not lines:
        return ""
    head = _line("", "before", "now", "change") + "  since"
    return "\n".join(line.rstrip() for line in [head, *lines])


def last(path: Path) -> dict[str, Any]:
    """The run that was kept last; empty when there is none that can be read."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def merged(
    found: Mapping[str, Any], before: Mapping[str, Any], known: Collection[str]
) -> dict[str, Any]:
    """A run's figures in front of those that it has not measured anew, so that no row gets lost.

    Each row carries the time of its own run (`at`). Rows that are not among the `known` any more
    are left out; what is about a run as a whole is that of the newest.
    """
    new = {name: {**row, "at": found["at"]} for name, row in found["ratios"].items()}
    old = {
        name: {"at": before["at"], **row}
        for name, row in before.get("ratios", {}).items()
        if name in known
    }
    parts = {
        name: {**before.get(name, {}), **part} for name, part in found.items() if name in BY_NAME
    }
    ordered = {name: new.get(name) or old[name] for name in known if name in new or name in old}
    return {**found, **parts, "ratios": ordered}


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


def _extremes(one: Mapping[str, float] | None) -> tuple[str, str]:
    return (_text(one["min"]), _text(one["max"])) if one else ("", "")


def _three(one: Mapping[str, float]) -> tuple[str, str, str]:
    return _text(one["median"]), _text(one["min"]), _text(one["max"])


def _line(name: str, *cells: str) -> str:
    return f"{name:24}" + "".join(f"{cell:>11}" for cell in cells)


def _text(value: float | None) -> str:
    return NONE if value is None else f"{value:g}"


def _short(value: float) -> float:
    """Three digits behind the point for ratios, one for rates."""
    return round(value, 3 if value < 10 else 1)
