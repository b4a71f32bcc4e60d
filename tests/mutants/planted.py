"""Many mutants in one pytest session: each is a statement, planted before a test and taken back after it.

A mutant of the schema lives in the transaction of the test's own connection (`owner`); a mutant of a
function is put into the databases that are open, and the real function comes back afterwards.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from _pytest.runner import runtestprotocol

DATABASES = ("database", "fresh_database", "other_database")


class Planted:
    """A pytest plugin that runs the wanted tests of every mutant until one fails.

    The test that fails runs once more without the mutant: only if it passes then has it shown
    anything. One that passes in a new database only gets a new one each time.
    """

    def __init__(self, mutants: list[dict[str, Any]], answers: Path, until: float | None) -> None:
        self._mutants, self._answers = mutants, answers
        self._end = time.monotonic() + until if until else None
        self._sql, self._undo = "", ""
        self._open: dict[str, str] = {}
        self._here, self._unfit = "", ""
        self._once: set[str] = set()

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
        return made

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """A database that is gone."""
        self._open.pop(fixturedef.argname, None)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's own loop: mutant after mutant."""
        items: dict[str, pytest.Item] = {}
        of_file: dict[str, list[str]] = {}
        for item in session.items:
            items[item.nodeid] = item
            of_file.setdefault(item.nodeid.partition("::")[0], []).append(item.nodeid)
        for mutant in sorted(self._mutants, key=lambda one: one["turn"]):
            if self._end and time.monotonic() > self._end:
                break
            named = [name for test in mutant["tests"] for name in of_file.get(test, [test])]
            wanted = [items[name] for name in dict.fromkeys(named) if name in items]
            wanted.sort(key=lambda item: item.nodeid.partition("::")[0] != self._here)
            self._tell({"id": mutant["id"], **self._try(mutant, wanted)})
        session._setupstate.teardown_exact(None)
        return True

    def _try(self, mutant: dict[str, Any], wanted: list[pytest.Item]) -> dict[str, Any]:
        began, ran, failed = time.monotonic(), 0, {}
        self._unfit = ""
        self._plant_all(mutant["sql"], mutant["undo"])
        for item in wanted:
            ran += 1
            if self._unfit or (failed := self._noticed(item, mutant)):
                break
        self._take_back(mutant)
        if self._unfit:
            return {"exit": -1, "ran": 0, "seconds": 0, "why": self._unfit}
        code = int(bool(failed))
        if failed.get("when") == "setup" and not mutant["undo"]:
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
        self._plant_all(mutant["sql"], mutant["undo"])
        return self._failed(item) if sound else {}

    def _plant_all(self, sql: str, undo: str) -> None:
        self._sql, self._undo = sql, undo
        self._everywhere(sql)

    def _take_back(self, mutant: dict[str, Any]) -> None:
        if self._sql:
            self._everywhere(mutant["undo"])
        self._sql = self._undo = ""

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
        self._here = item.nodeid.partition("::")[0]
        for report in runtestprotocol(item, log=False, nextitem=cast("pytest.Item", item.parent)):
            if report.failed:
                crash = getattr(report.longrepr, "reprcrash", None)
                why = crash.message if crash else str(report.longrepr)
                return {"test": item.nodeid, "when": str(report.when), "why": why[:300]}
        return {}

    def _tell(self, line: dict[str, Any]) -> None:
        with self._answers.open("a", encoding="utf-8") as answers:
            answers.write(json.dumps(line) + "\n")
