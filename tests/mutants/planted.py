"""Many mutants of the schema in one pytest session: each is a statement in a transaction around the test.

For tests that look at the database through the `owner` fixture alone: the mutant is made when the
test's connection is, and gone with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.runner import runtestprotocol


class Planted:
    """A pytest plugin that runs the wanted tests once for every mutant."""

    def __init__(self, mutants: list[dict[str, Any]]) -> None:
        self.mutants = mutants
        self.came_to: dict[str, dict[str, Any]] = {}
        self._sql = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        made = yield
        if fixturedef.argname == "owner" and self._sql:
            made.execute("BEGIN")
            made.execute(self._sql.encode())
        return made

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the whole product first: a test that fails there is not asked."""
        items = {item.nodeid: item for item in session.items}
        last = session.items[-1]
        sound = {name for name, item in items.items() if not self._failed(item, last)}
        for mutant in self.mutants:
            self._sql, began, failed, ran = mutant["sql"], time.monotonic(), {}, 0
            for name in mutant["tests"]:
                if name in sound and not failed:
                    ran += 1
                    failed = self._failed(items[name], last)
            took = time.monotonic() - began
            # Only a test says something; a statement that cannot be run fails the fixture.
            code = -1 if failed.get("when") == "setup" else int(bool(failed))
            self.came_to[mutant["id"]] = {"exit": code, "ran": ran, "seconds": took, **failed}
        self._sql = ""
        last.session._setupstate.teardown_exact(None)
        return True

    def _failed(self, item: pytest.Item, last: pytest.Item) -> dict[str, str]:
        """Where it failed and why; fixtures of the module stay for the next."""
        for report in runtestprotocol(item, log=False, nextitem=last):
            if report.failed:
                crash = getattr(report.longrepr, "reprcrash", None)
                why = crash.message if crash else str(report.longrepr)
                return {"test": item.nodeid, "when": str(report.when), "why": why[:300]}
        return {}
