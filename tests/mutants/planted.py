"""Many mutants in one pytest session: each is planted before a test and taken back after it.

A mutant of the schema lives in the transaction of the test's own connection (`owner`); a mutant of a
function is put into the databases that are open, and the real function comes back afterwards; a
mutant of Python changes the file and the functions that are alive.
"""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any, cast

import psycopg
import pytest
from _pytest.runner import runtestprotocol
from tests.mutants.swapping import rewrite

DATABASES = ("database", "fresh_database", "other_database")
NOTHING = "nothing"  # a mutant that changes nothing must survive


LONGEST_S = 40  # a test,
AGAIN_S = 10  # and what it still does then: it may wait for its own threads
Tests = dict[str, list[pytest.Item]]  # file → those of its tests that are wanted


class Planted:
    """A pytest plugin that runs the wanted tests of every mutant until one fails.

    The test that fails runs once more without the mutant: only if it passes then has it shown
    anything. One that passes in a new database only gets a new one each time.
    """

    def __init__(
        self, mutants: list[dict[str, Any]], answers: Path, until: float | None, at_once: int
    ) -> None:
        self._mutants, self._answers, self._at_once = mutants, answers, at_once
        self._end = time.monotonic() + until if until else None
        self._sql, self._undo = "", ""
        self._open: dict[str, str] = {}
        self._unfit = ""
        self._seconds: Counter[str] = Counter()
        self._once: set[str] = set()
        self._killers: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        made = yield
        if fixturedef.argname in DATABASES:
            self._open[fixturedef.argname] = made
            if self._undo:
                self._plant(made, self._sql)
        if fixturedef.argname == "owner" and self._sql and not self._undo:
            made.execute("BEGIN")
            made.execute(self._sql.encode())
            # Closed in good order, the connection would commit: the next test would meet the mutant.
            fixturedef.addfinalizer(lambda: made.execute("ROLLBACK"))
        return made

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """A database that is gone."""
        self._open.pop(fixturedef.argname, None)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's own loop."""
        items = {item.nodeid: item for item in session.items}
        todo = [(mutant, _wanted(mutant, items)) for mutant in self._mutants]
        for batch in _batches(todo, self._at_once):
            failed = self._go_through(batch)
            if NOTHING in failed:
                break  # tests that fail without any mutant kill none
        session._setupstate.teardown_exact(None)
        return True

    def _go_through(self, batch: list[tuple[dict[str, Any], Tests]]) -> set[str]:
        """File after file, each with all mutants that are still alive: its database is made once.

        Returns those that a test has noticed. When time is over in the middle nothing is told of a sample's batch:
        those that are noticed soon would stand for all.
        """
        done: set[str] = set()
        lines: list[dict[str, Any]] = []
        ran: Counter[str] = Counter()
        for file in _in_order([tests for _mutant, tests in batch]):
            for mutant, tests in batch:
                if self._end and time.monotonic() > self._end:
                    return done
                if mutant["id"] in done or file not in tests:
                    continue
                came_to = self._try(mutant, tests.pop(file))
                ran[mutant["id"]] += came_to["ran"]
                self._seconds[mutant["id"]] += came_to["seconds"]
                if came_to["exit"]:
                    done.add(mutant["id"])
                if came_to["exit"] or not tests:
                    summed = {"ran": ran[mutant["id"]], "seconds": self._seconds[mutant["id"]]}
                    lines.append({"id": mutant["id"], **came_to, **summed})
                    if not self._end:
                        self._tell(lines.pop())
        for line in lines:
            self._tell(line)
        return done

    def _try(self, mutant: dict[str, Any], wanted: list[pytest.Item]) -> dict[str, Any]:
        """Of one file; first what has killed others."""
        began, ran, failed = time.monotonic(), 0, {}
        self._unfit = ""
        self._plant_all(mutant)
        for item in sorted(wanted, key=lambda one: one.nodeid not in self._killers):
            ran += 1
            if self._unfit or (failed := self._noticed(item, mutant)):
                break
        self._take_back(mutant)
        if self._unfit:
            return {"exit": -1, "ran": 0, "seconds": 0, "why": self._unfit}
        if failed:
            self._killers.add(failed["test"])
        code = int(bool(failed))
        if failed.get("when") == "setup" and mutant["sql"] and not mutant["undo"]:
            code = -1  # the statement could not be run
        return {"exit": code, "ran": ran, "seconds": time.monotonic() - began, **failed}

    def _noticed(self, item: pytest.Item, mutant: dict[str, Any]) -> dict[str, str]:
        """The failure, when the same test passes without the mutant in a database just as old."""
        failed = self._failed(item)
        if not failed:
            return {}
        self._take_back(mutant)
        old = item.nodeid not in self._once
        if not self._failed(item):
            return failed
        self._once.add(item.nodeid)  # it passes in a new database only
        sound = old and not self._failed(item)
        self._plant_all(mutant)
        return self._failed(item) if sound else {}

    def _plant_all(self, mutant: dict[str, Any]) -> None:
        self._sql, self._undo = mutant["sql"], mutant["undo"]
        self._everywhere(self._sql)
        if edit := mutant.get("edit"):
            rewrite(Path(edit["path"]), edit["new"])

    def _take_back(self, mutant: dict[str, Any]) -> None:
        if self._sql:
            self._everywhere(mutant["undo"])
        self._sql = self._undo = ""
        if edit := mutant.get("edit"):
            rewrite(Path(edit["path"]), edit["old"])

    def _everywhere(self, sql: str) -> None:
        if self._undo:
            for url in self._open.values():
                self._plant(url, sql)

    def _plant(self, url: str, sql: str) -> None:
        """As the owner, at once."""
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(sql.encode())
        except psycopg.Error as error:  # the mutant is no SQL
            self._unfit = f"could not be planted: {error}"[:300]

    def _failed(self, item: pytest.Item) -> dict[str, str]:
        """Where it failed and why; fixtures of its module stay for the next."""
        keep = item.session if item.nodeid in self._once else item.parent
        item.session._setupstate.teardown_exact(cast("pytest.Item", keep))
        signal.signal(signal.SIGALRM, _too_long)
        signal.setitimer(signal.ITIMER_REAL, LONGEST_S, AGAIN_S)  # a mutant may go round for ever
        reports = runtestprotocol(item, log=False, nextitem=cast("pytest.Item", item.parent))
        signal.setitimer(signal.ITIMER_REAL, 0)
        for report in reports:
            if report.failed:
                crash = getattr(report.longrepr, "reprcrash", None)
                why = crash.message if crash else str(report.longrepr)
                return {"test": item.nodeid, "when": str(report.when), "why": why[:300]}
        return {}

    def _tell(self, line: dict[str, Any]) -> None:
        with self._answers.open("a", encoding="utf-8") as answers:
            answers.write(json.dumps(line) + "\n")


def _wanted(mutant: dict[str, Any], items: dict[str, pytest.Item]) -> Tests:
    """The mutant's tests; it may name whole files and folders."""
    found: Tests = {}
    for test in mutant["tests"]:
        below = (f"{test}::", f"{test}/")
        for name in [test] if test in items else [one for one in items if one.startswith(below)]:
            tests = found.setdefault(name.partition("::")[0], [])
            if items[name] not in tests:
                tests.append(items[name])
    return found


def _batches(
    todo: list[tuple[dict[str, Any], Tests]], size: int
) -> Iterator[list[tuple[dict[str, Any], Tests]]]:
    """The control by itself, then so many at once."""
    control = [one for one in todo if one[0]["id"] == NOTHING]
    rest = [one for one in todo if one[0]["id"] != NOTHING]
    yield control
    for first in range(0, len(rest), size):
        yield rest[first : first + size]


def _in_order(wanted: list[Tests]) -> list[str]:
    """All files, first those that are named first."""
    places: dict[str, list[int]] = {}
    for tests in wanted:
        for place, file in enumerate(tests):
            places.setdefault(file, []).append(place)
    return sorted(places, key=lambda file: (mean(places[file]), file))


def _too_long(*_given: object) -> None:
    raise TimeoutError(f"the test took longer than {LONGEST_S} s")
