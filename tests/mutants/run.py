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
from types import ModuleType

import psycopg
from tests.mutants import equivalents, kept, report, tracing
from tests.mutants.bench import BASE, ROOT, Bench, bench
from tests.mutants.choosing import DOORS, RACES
from tests.mutants.functions import of_functions
from tests.mutants.mutant import Mutant
from tests.mutants.python import of_python
from tests.mutants.schema import of_schema
from tests.properties import test_effects, test_locks, test_recovering, test_refusals

HOME = ROOT / "var" / "mutants"
TRIED = HOME / "tried.jsonl"
KILLED = {"exit": 1, "test": "none was asked"}
SAMPLE_S = 270.0
# Tests in which several hands are at work.
TOGETHER = re.compile(
    "parallel|at_once|same_moment|together|copies|copy|race|two_|twice|hands|threads|once"
)
ALL_S = 4 * 3600.0
LIMIT_S = 150.0  # for the tests of one mutant
AT_MOST_S = 25.0  # of tests that a map has chosen,
MOST_FILES = 6  # and of their files, each of which begins with a database of its own


def main() -> int:
    """Try mutants out and report; the exit code tells whether the gate is kept."""
    options = _options()
    began = time.monotonic()
    HOME.mkdir(parents=True, exist_ok=True)
    if not options.go_on:
        TRIED.unlink(missing_ok=True)
    with bench() as found:
        everything = all_mutants(found)
        mutants = chosen(everything, options)
        calls = _calls(found, options, mutants)
        before = kept.read(TRIED)
        killed = {m.id for m in mutants if report.verdict(before.get(m.id, {})) == "killed"}
        print(
            f"mutants: {len(mutants)}, killed before: {len(killed)}, seed {options.seed}",
            flush=True,
        )
        left = [m for m in mutants if m.id not in killed]
        try_all(found, left, calls, None if options.all else began + SAMPLE_S)
    came_to = kept.read(TRIED)
    # Of a sample, what there was no time for is no part.
    results = [
        report.result(m, came_to.get(m.id, {})) for m in mutants if options.all or m.id in came_to
    ]
    written = report.keep(
        results, HOME / "latest.json", seed=options.seed, seconds=time.monotonic() - began
    )
    print(report.table(written))
    return 0 if report.passed(written) else 1


def all_mutants(found: Bench) -> list[Mutant]:
    """Of the functions, the schema and Python; `LookupError` when a list of ours names what is gone."""
    with psycopg.connect(found.server.url_of(BASE)) as connection:
        mutants = [*of_functions(ROOT), *of_schema(connection), *of_python(ROOT)]
    if gone := equivalents.unknown(mutants):
        raise LookupError(f"no such mutants any more: {gone}: change tests/mutants/equivalents.py")
    return mutants


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
) -> None:
    """One after the other, until the time is over; what they come to is kept at once."""
    together = [(m, selection(m, calls)) for m in mutants if found.can_plant(m)]
    if until is None:
        # Of one file after each other: its database is made once.
        together.sort(key=lambda one: (one[1][0] in RACES, one[1][0].partition("::")[0]))
    left = until and until - time.monotonic()
    if together and (why := found.try_planted(together, TRIED, ALL_S, left)):
        print(f"no session: {why}", flush=True)
    came_to = kept.read(TRIED)
    # In a process of its own: what cannot be planted, and what has survived beside all the others.
    alone = [
        m for m in mutants
        if m.edit and (not found.can_plant(m) or report.verdict(came_to.get(m.id, KILLED)) != "killed")
    ]  # fmt: skip
    for mutant in alone:
        if until is not None and time.monotonic() > until:
            break
        kept.add(TRIED, mutant.id, found.try_out(mutant, LIMIT_S))


def selection(mutant: Mutant, calls: tracing.Calls) -> list[str]:
    """Its tests; where it is known which tests call the function, those instead, the cheapest first."""
    if mutant.kind not in ("lock", "guard"):
        return list(mutant.tests)
    known = calls.get(mutant.name, {})
    meetings = named(test_locks, mutant.name)
    if mutant.kind == "lock":  # who is alone needs none
        known = {test: seconds for test, seconds in known.items() if TOGETHER.search(test)}
        return [*(meetings or RACES), *_cheapest(known, mutant.tests)]
    doors = [DOORS[0]] if "_enter_station" in (mutant.name, mutant.removed[8:22]) else []
    refusals = [
        name
        for module in (test_refusals, test_effects, test_recovering)
        for name in named(module, mutant.name)
    ]
    # They are exact and quick, also where they call it through another function.
    exact = (*DOORS, RACES[0])
    refusals += [test for test in known if test.startswith(exact) and test not in refusals]
    others = [] if known else [name for name in mutant.tests if name not in DOORS]
    return [*doors, *refusals, *_cheapest(known, mutant.tests), *others, *meetings]


def named(module: ModuleType, function: str) -> list[str]:
    """Tests of the module whose example calls this very function."""
    file = f"{module.__name__.replace('.', '/')}.py"
    return [
        f"{file}::{test.__name__}[{name}]"
        for test in vars(module).values()
        for mark in getattr(test, "pytestmark", [])
        for name, example in mark.args[1].items()
        if f" {function}(" in str(example)
    ]


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


def _calls(found: Bench, options: argparse.Namespace, mutants: Sequence[Mutant]) -> tracing.Calls:
    """The map; made anew if asked for, with `--only` just for these functions, from the tests that their mutants name."""
    path = HOME / "map.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if options.map and options.only:
        own = [m for m in mutants if m.undo]
        functions = {m.name for m in own}
        files = sorted({test for m in own for test in m.tests})
        others = {name: tests for name, tests in known.items() if name not in functions}
        known = others | tracing.trace(found, ROOT, files, functions)
    elif options.map:
        known = tracing.trace(found, ROOT, tracing.every_file(ROOT))
    if options.map:
        tracing.keep(known, path)
    return known


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--all", action="store_true", help="all of them, however long it takes")
    parser.add_argument(
        "--go-on", action="store_true", help="after earlier runs: what they have killed is killed"
    )
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
