"""Many mutants in one pytest session: each is planted before a test and taken back after it.

A mutant of the schema lives in the transaction of the test's own connection (`owner`); a mutant of a
function is put into the databases that are open, and the real function comes back afterwards; a
mutant of Python changes the file and the functions that are alive.
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
from tests.mutants.swapping import rewrite

DATABASES = ("database", "fresh_database", "other_database")
NOTHING = "nothing"  # a mutant that changes nothing must survive


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
        """In place of pytest's own loop: mutant after mutant."""
        items = {item.nodeid: item for item in session.items}
        for mutant in sorted(self._mutants, key=lambda one: one["turn"]):
            if self._end and time.monotonic() > self._end:
                break
            came_to = self._try(mutant, self._wanted(mutant, items))
            self._tell({"id": mutant["id"], **came_to})
            if mutant["id"] == NOTHING and came_to["exit"]:
                break  # tests that fail without any mutant kill none
        session._setupstate.teardown_exact(None)
        return True

    def _wanted(self, mutant: dict[str, Any], items: dict[str, pytest.Item]) -> list[pytest.Item]:
        """The mutant's tests (also whole files and folders): first those of the open file, of these what has killed others."""
        named = [
            name
            for test in mutant["tests"]
            for name in ([test] if test in items else items)
            if name == test or name.startswith((f"{test}::", f"{test}/"))
        ]
        wanted = [items[name] for name in dict.fromkeys(named)]
        return sorted(wanted, key=self._rank)

    def _rank(self, item: pytest.Item) -> tuple[bool, bool]:
        file = item.nodeid.partition("::")[0]
        return file != self._here, item.nodeid not in self._killers

    def _try(self, mutant: dict[str, Any], wanted: list[pytest.Item]) -> dict[str, Any]:
        began, ran, failed = time.monotonic(), 0, {}
        self._unfit = ""
        self._plant_all(mutant)
        for item in wanted:
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
