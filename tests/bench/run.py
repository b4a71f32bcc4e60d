"""`make bench`: Kameng's own rates as ratios to this machine's limits, measured in the same run.

Cells are measured in turn, round after round; every figure is a median of the rounds. A table is
printed and var/bench/latest.json written; `--note` adds a line to docs/performance.md and draws
its picture. Nothing here is a test: it fails
only when something does not work, never because it is slow.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import cells, chart, figures, profile, report, rows, watch
from tests.bench.cells.bench import Bench
from tests.bench.fixture import fill
from tests.bench.pgbench import BenchBroken, PgBench
from tests.bench.servers import Installation, installation
from tests.bench.sites import first
from wsgi import build

ROOT = Path(__file__).resolve().parents[2]
LATEST = ROOT / "var" / "bench" / "latest.json"
PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "images" / "bench.svg"
PROFILE = "profile"
BARE_PER_S = 12_000  # cards of the bare order


def main() -> int:
    """Measure what was asked for and print it; returns the exit code."""
    options = _options()
    try:
        with installation() as found:
            if options.rows == [PROFILE]:
                return profile.run(found, options.seconds, with_functions=options.cprofile)
            if options.minutes:
                return watch.run(found, options.minutes)
            wanted = rows.chosen(options.rows, quick=options.quick)
            taken = measure(found, wanted, options.seconds, options.rounds)
    except BenchBroken as broken:
        print(f"bench: {broken}", file=sys.stderr)
        return 1
    before = report.last(LATEST)
    whole = report.merged(taken, before, [row.name for row in rows.ROWS])
    report.keep(whole, LATEST)
    _show(taken, before)
    if options.note:
        report.note(taken, PAGE)
        chart.draw(whole, PICTURE)
        chart.show_in(PAGE, PICTURE)
    return 0


def measure(
    found: Installation, wanted: Sequence[report.Row], seconds: float, rounds: int
) -> dict[str, Any]:
    """Fill an installation, take interleaved rounds of the cells, and put the figures together."""
    names = rows.cells_of(wanted)
    app, pgbench = build(found.settings), PgBench(found)
    stock = cells.wanted(names, seconds, rounds)
    _say(f"filling: {stock.spread + stock.hot} cards")
    traded = fill(app, found.owner_url, stock)
    pgbench.prepare(int(seconds * (rounds + 1) * BARE_PER_S))
    bench = Bench(first(found), app, traded, pgbench, seconds, rounds)
    with bench.opened:
        all_cells = cells.Cells(bench)
        _say("starting")
        all_cells.prepare(_with_web(names, wanted))
        taken = _rounds(all_cells, names, rounds)
        once = figures.take(bench, rows.figures_of(wanted))
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **report.figures(wanted, rows.LIMITS, taken, bench.latencies(), once),
        **bench.beside(),
        "round_s": seconds,
        "rounds": taken,
        "server": found.shown_settings(),
    }


def _with_web(names: Sequence[str], wanted: Sequence[report.Row]) -> list[str]:
    """Memory is that of a web server which has answered, even when nothing else is measured."""
    web = ["api_purchase"] if "memory_web" in rows.figures_of(wanted) else []
    return [*names, *web]


def _rounds(all_cells: cells.Cells, names: Sequence[str], rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds if names else 0):
        for name in names:
            taken[name].append(all_cells.measure(name))
        _say(f"round {number + 1} of {rounds}")
    return taken


def _show(taken: dict[str, Any], before: dict[str, Any]) -> None:
    print(report.table(taken))
    if changed := report.changes(taken, before):
        print(f"\n{changed}")
    print("\nthe client's share of a core:", taken["client_cpu_share"])
    print("Python's CPU, ms a request:", taken["cpu_ms"])
    for line in taken["odd"]:
        print("NOTE", line)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kameng bench", description=__doc__)
    parser.add_argument("--rows", default="", help="names or groups, with commas, or `profile`")
    parser.add_argument("--quick", action="store_true", help="short rounds: under three minutes")
    parser.add_argument("--seconds", type=float, help="length of one round")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--note", action="store_true", help="add to docs/performance.md, draw")
    parser.add_argument("--minutes", type=float, help="instead: watch the memory for so long")
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
