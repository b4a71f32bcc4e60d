"""A process that has imported the product once: it forks for every mutant and runs pytest there.

Reads jobs from standard input, one JSON a line, and answers each with a line: what pytest came to,
the test that failed and why. With `--once` it imports nothing before and does one job.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

HEAVY = (
    "kameng.app", "kameng.cli", "kameng.db.migrate", "kameng.ops.embedded", "kameng_admin", "kameng_tenants", "redis",
    "kameng.ledger.api", "kameng.orders.api", "kameng.payments.api", "kameng.payments.tasks", "kameng.supply.api", "kameng.supply.tasks",
    "kameng.openapi.api", "kameng.suppliers.api", "kameng.settlement.api", "psycopg", "httpx", "flask_admin", "argon2",
)  # fmt: skip

QUIET = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:unraisableexception")


class Watch:
    """A pytest plugin: keeps only the wanted tests and says which one failed, where and why."""

    def __init__(self, wanted: list[str]) -> None:
        self.wanted = wanted
        self.ran = 0
        self.failed: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.spots: dict[str, list[int]] = {}
        self.log = Path(os.environ["MUTANTS_LOG"]) if "MUTANTS_LOG" in os.environ else None

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if self.wanted:
            wanted = set(self.wanted)  # tests, and files whose every test is wanted
            items[:] = [i for i in items if wanted & {i.nodeid, i.nodeid.partition("::")[0]}]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self.log:
            self.spots[nodeid] = [self.log.stat().st_size]

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        if self.log:
            self.spots[nodeid].append(self.log.stat().st_size)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.when == "call":
            self.ran += 1
        if report.failed and not self.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            message = crash.message if crash else str(report.longrepr)
            self.failed = {"test": report.nodeid, "when": report.when, "why": message[:300]}


def run_tests(job: dict[str, Any]) -> dict[str, Any]:
    """Run the job's tests here; `exit` is pytest's code."""
    import pytest

    if "planted" in job:
        from tests.mutants.planted import Planted

        planted = Planted(job["planted"], Path(job["lines"]), job.get("until"), job["at_once"])
        code = pytest.main([*QUIET, "-o", "timeout=60", *job["files"]], plugins=[planted])
        return {"exit": int(code), "seconds": 0}
    watch = Watch(job.get("tests", []))
    began = time.monotonic()
    arguments = [*QUIET, *job["files"]]
    code = pytest.main(arguments if job.get("all") else ["-x", *arguments], plugins=[watch])
    answer = {"exit": int(code), "ran": watch.ran, "seconds": time.monotonic() - began}
    if job.get("all"):
        answer |= {"spots": watch.spots, "times": watch.seconds}
    return {**answer, **watch.failed}


def child(job: dict[str, Any]) -> None:
    """In the forked process: its answer goes to the job's file; nothing else is left behind."""
    os.setsid()
    with open(job["output"], "wb") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ.update(job["environ"])
    try:
        answer = run_tests(job)
    except BaseException as error:  # what pytest could not catch is an answer, too
        answer = {"exit": -1, "why": repr(error)[:300]}
    Path(job["answer"]).write_text(json.dumps(answer))
    sys.stdout.flush()


def main() -> None:
    """Serve jobs until the input ends."""
    if "--once" in sys.argv:
        child(json.loads(sys.stdin.readline()))
        return
    for name in HEAVY:
        importlib.import_module(name)
    for line in sys.stdin:
        job = json.loads(line)
        process = os.fork()
        if process == 0:
            child(job)
            os._exit(0)
        print(json.dumps({"process": process}), flush=True)
        os.waitpid(process, 0)
        print(json.dumps({"ended": process}), flush=True)


if __name__ == "__main__":
    main()
