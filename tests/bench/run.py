"""`make bench`: Kameng's own rates as ratios to this machine's limits, measured in the same run.

Cells are measured in turn, round after round; every figure is a median of the rounds. A table is
printed and var/bench/latest.json written; `--note` adds a line to docs/performance.md. Nothing
here is a test: it fails only when something does not work, never because it is slow.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import profile, report, rows
from tests.bench.fixture import Stock, fill
from tests.bench.pgbench import BenchBroken, PgBench
from tests.bench.servers import Installation, installation
from wsgi import build

ROOT = Path(__file__).resolve().parents[2]
LATEST = ROOT / "var" / "bench" / "latest.json"
PAGE = ROOT / "docs" / "performance.md"
PROFILE = "profile"


def main() -> int:
    """Measure what was asked for and print it; returns the exit code."""
    options = _options()
    try:
        with installation() as found:
            if options.rows == [PROFILE]:
                return profile.run(found, options.seconds, with_functions=options.cprofile)
            figures = measure(found, rows.chosen(options.rows), options.seconds, options.rounds)
    except BenchBroken as broken:
        print(f"bench: {broken}", file=sys.stderr)
        return 1
    report.keep(figures, LATEST)
    _show(figures)
    if options.note:
        report.note(figures, PAGE)
    return 0


def measure(
    found: Installation, wanted: Sequence[report.Row], seconds: float, rounds: int
) -> dict[str, Any]:
    """Fill an installation, take interleaved rounds of the cells, and put the figures together."""
    app, pgbench = build(found.settings), PgBench(found)
    total = seconds * (rounds + 1)
    stock = Stock(int(total * rows.CARDS_PER_S), int(total * rows.HOT_PER_S))
    _say(f"filling: {stock.spread + stock.hot} cards")
    fixture = fill(app, found.owner_url, stock)
    pgbench.prepare(int(total * rows.BARE_PER_S))
    cells = rows.Cells(found, app, fixture, pgbench, seconds)
    names = rows.cells_of(wanted)
    try:
        cells.prepare(names)
        taken = _rounds(cells, names, rounds)
        durations = cells.seconds_of(wanted)
    finally:
        cells.close()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **report.figures(wanted, rows.LIMITS, taken, cells.latencies()),
        "seconds": durations,
        **cells.beside(),
        "round_s": seconds,
        "rounds": taken,
        "server": found.shown_settings(),
    }


def _rounds(cells: rows.Cells, names: Sequence[str], rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds if names else 0):
        for name in names:
            taken[name].append(cells.measure(name))
        _say(f"round {number + 1} of {rounds}")
    return taken


def _show(figures: dict[str, Any]) -> None:
    print(report.table(figures))
    print("\nthe client's share of a core:", figures["client_cpu_share"])
    print("Python's CPU, ms a request:", figures["cpu_ms"])
    for line in figures["odd"]:
        print("NOTE", line)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="", help="names with commas, or `profile`; all without")
    parser.add_argument("--quick", action="store_true", help="short rounds: under three minutes")
    parser.add_argument("--seconds", type=float, help="length of one round")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--note", action="store_true", help="add a line to docs/performance.md")
    parser.add_argument("--cprofile", action="store_true", help="with profile: functions by time")
    options = parser.parse_args()
    options.rows = [name.strip() for name in options.rows.split(",") if name.strip()]
    options.seconds = options.seconds or (2 if options.quick else 4)
    options.rounds = options.rounds or (3 if options.quick else 5)
    if options.rows != [PROFILE]:
        try:
            rows.chosen(options.rows)
        except ValueError as error:
            parser.error(str(error))
    return options


if __name__ == "__main__":
    raise SystemExit(main())
