"""`make mutants`: take safeguards away one at a time and see whether a test fails.

A sample that fits five minutes, or all (`ALL=1`). Each mutant is applied in a copy of the tree or in
a database of its own, never here. A table is printed and var/mutants/latest.json written.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from tests.mutants import report, tracing
from tests.mutants.bench import BASE, ROOT, Bench, bench
from tests.mutants.choosing import RACES
from tests.mutants.functions import of_functions
from tests.mutants.mutant import Mutant
from tests.mutants.python import of_python
from tests.mutants.schema import of_schema

HOME = ROOT / "var" / "mutants"
SAMPLE_S = 270.0
# Tests in which several hands are at work.
TOGETHER = re.compile(
    "parallel|at_once|same_moment|together|copies|copy|race|two_|twice|hands|threads|once"
)
HANDS = (
    "test_who_comes_second_reads_what_the_first_left", "test_who_comes_second_waits",
    "test_what_one_has_taken_the_next_leaves_alone_at_once",
)  # fmt: skip
FIRST = (
    "tests/integration/db/test_doors.py",
    "tests/properties/test_refusals.py",
)  # cheap, and for all functions
ALL_S = 3600.0
LIMIT_S = 150.0  # for the tests of one mutant
AT_MOST_S = 25.0  # of tests that a map has chosen,
MOST_FILES = 6  # and of their files, each of which begins with a database of its own


def main() -> int:
    """Try mutants out and report; the exit code tells whether the gate is kept."""
    options = _options()
    began = time.monotonic()
    with bench() as found:
        mutants = chosen(all_mutants(found), options)
        calls = _calls(found, options)
        print(f"mutants: {len(mutants)}, seed {options.seed}", flush=True)
        results = try_all(found, mutants, calls, None if options.all else began + SAMPLE_S)
        report.control(found, results)
    written = report.keep(
        results, HOME / "latest.json", seed=options.seed, seconds=time.monotonic() - began
    )
    print(report.table(written))
    return 0 if report.passed(written) else 1


def all_mutants(found: Bench) -> list[Mutant]:
    """Of the functions, the schema and Python."""
    with psycopg.connect(found.server.url_of(BASE)) as connection:
        return [*of_functions(ROOT), *of_schema(connection), *of_python(ROOT)]


def chosen(mutants: list[Mutant], options: argparse.Namespace) -> list[Mutant]:
    """The wanted ones, in a seeded order."""
    words = [word.split("=", 1) for word in options.only]
    kept = [
        m
        for m in mutants
        if all(any(v in str(getattr(m, name)) for v in value.split("|")) for name, value in words)
    ]
    random.Random(options.seed).shuffle(kept)
    return kept


def try_all(
    found: Bench, mutants: Sequence[Mutant], calls: tracing.Calls, until: float | None
) -> list[dict[str, Any]]:
    """One after the other, until the time is over."""
    by_sql = [(m, selection(m, calls)) for m in mutants if m.sql]
    if until is None:
        # Of one file after each other: its database is made once.
        by_sql.sort(key=lambda one: (one[1][0] in RACES, one[1][0].partition("::")[0]))
    # Python needs a process for each: of a sample's time it gets a third.
    left = until and (until - time.monotonic()) * 0.66
    came_to = found.try_planted(by_sql, ALL_S, left) if by_sql else {}
    results = [report.result(m, came_to[m.id]) for m, _tests in by_sql if m.id in came_to]
    print(f"in one session: {len(results)} of {len(by_sql)} tried", flush=True)
    for number, mutant in enumerate((m for m in mutants if m.edit), 1):
        if until is not None and time.monotonic() > until:
            break
        results.append(report.result(mutant, found.try_out(mutant, LIMIT_S)))
        last = results[-1]
        print(
            f"{number:4} {last['verdict']:8} {last['seconds']:5.1f} s  {mutant.kind:6} {mutant.name or mutant.place} | {mutant.removed[:90]}",
            flush=True,
        )
    return results


def selection(mutant: Mutant, calls: tracing.Calls) -> list[str]:
    """Its tests; where it is known which tests call the function, those instead, the cheapest first."""
    known = calls.get(mutant.name, {})
    if mutant.kind == "lock":  # who is alone needs none
        known = {test: seconds for test, seconds in known.items() if TOGETHER.search(test)}
        return [*(_meetings(mutant.name) or RACES), *_cheapest(known, mutant.tests)]
    first = [name for name in mutant.tests if name in FIRST]
    last = [
        name for name in mutant.tests if name not in first and not (known and _met(name, calls))
    ]
    if known:
        last = _meetings(mutant.name)
    return [*first, *_cheapest(known, mutant.tests), *last]


def _meetings(function: str) -> list[str]:
    """Tests in which two hands meet over this very function."""
    text = (ROOT / RACES[0]).read_text(encoding="utf-8")
    cases = re.split(r'^    "(?=[^"]+": \(made)', text, flags=re.MULTILINE)[1:]
    names = [case.partition('"')[0] for case in cases if f" {function}(" in case]
    return [f"{RACES[0]}::{test}[{name}]" for name in names for test in HANDS]


def _cheapest(known: dict[str, float], own: Sequence[str]) -> list[str]:
    """Tests of a few files, as many as there is time for: first those of the function's context."""
    tests: list[str] = []
    files: set[str] = set()
    left = AT_MOST_S
    for test, takes in sorted(
        known.items(), key=lambda one: (not one[0].startswith(tuple(own)), one[1])
    ):
        file = test.partition("::")[0]
        if takes < left and (file in files or len(files) < MOST_FILES):
            tests.append(test)
            files.add(file)
            left -= takes
    return tests


def _met(name: str, calls: tracing.Calls) -> bool:
    """Whether the map knows tests of this file; one that it does not know is run as a whole."""
    return any(test.startswith(name) for tests in calls.values() for test in tests)


def _calls(found: Bench, options: argparse.Namespace) -> tracing.Calls:
    kept = HOME / "map.json"
    if options.map:
        tracing.keep(tracing.trace(found, ROOT), kept)
    return json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--all", action="store_true", help="all of them, however long it takes")
    parser.add_argument(
        "--seed", type=int, default=20261126, help="of the order in which a sample is drawn"
    )
    parser.add_argument(
        "--map",
        action="store_true",
        help="run the tests once first and note which function each calls",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="FIELD=TEXT",
        help="kind=lock, name=place_order, place=orders",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
