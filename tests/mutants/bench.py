"""Where mutants are tried: a copy of the tree, servers of its own, and a warm process."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from tests.conftest import Server, clone_database, drop_database, make_settings
from tests.mutants.endless import statements_end
from tests.mutants.mutant import Edit, Mutant
from tests.mutants.planted import NOTHING
from tests.mutants.swapping import can_swap

from kameng.db.migrate import migrate
from kameng.ops.embedded import servers_for_tests

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = (
    ".git",
    ".venv",
    "var",
    "node_modules",
    "__pycache__",
    ".hypothesis",
    ".*_cache",
    "images",
)
BASE = "kameng_tpl_mutants"
AT_ONCE = 8  # mutants that a sample goes through together: what it was in the middle of is not told


class Bench:
    """One copy, one pair of servers, one warm process; one mutant at a time."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        self.tree = folder / "tree"
        self._number = 0
        self._warm: subprocess.Popen[str] | None = None

    @property
    def log(self) -> Path:
        """What PostgreSQL says."""
        (found,) = self.folder.glob("kameng-test-*/logs/postgres.log")
        return found

    def prepare(self) -> None:
        """Copy the tree and migrate the database that all mutants start from."""
        shutil.copytree(ROOT, self.tree, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {BASE}")
        migrate(make_settings(self.server, BASE))

    def try_out(self, mutant: Mutant, limit_s: float) -> dict[str, Any]:
        """A mutant of Python in a process of its own: change the copied file, run its tests, change it back.

        The test that fails runs once more on the whole product: one that fails there shows nothing.
        """
        assert mutant.edit
        with edited(self.tree, mutant.edit):
            # Plugins are not among what the warm process has imported.
            fresh = not mutant.edit.path.startswith("plugins/")
            came_to = self.run(list(mutant.tests), [], BASE, limit_s, fresh=fresh)
        if test := came_to.get("test"):
            again = self.run([test.partition("::")[0]], [test], BASE, limit_s)
            if again.get("exit") != 0:
                return {
                    "exit": -1,
                    "why": f"its test fails without the mutant, too: {again.get('why')}"[:300],
                }
        return came_to

    def can_plant(self, mutant: Mutant) -> bool:
        """Whether it needs no process of its own."""
        if mutant.edit is None:
            return True
        path = self.tree / mutant.edit.path
        text = path.read_text(encoding="utf-8")
        return can_swap(path, text, text.replace(mutant.edit.old, mutant.edit.new, 1))

    def try_planted(
        self,
        wanted: Sequence[tuple[Mutant, list[str]]],
        lines: Path,
        limit_s: float,
        until_s: float | None = None,
    ) -> str:
        """Mutants with their tests, all in one session; what each came to is written to `lines`.

        Returns why there was no session, "" when there was one.
        """
        files = sorted({test.partition("::")[0] for _mutant, tests in wanted for test in tests})
        planted = [self._job(m, tests) for m, tests in wanted]
        every = sorted({test for m, tests in wanted if m.sql and not m.undo for test in tests})
        if every:
            planted.append({"id": NOTHING, "sql": "SELECT 1", "undo": "", "tests": every})
        size = lines.stat().st_size if lines.exists() else 0
        came_to = self.run(
            files, [], BASE, limit_s, planted=planted, until=until_s, lines=str(lines),
            at_once=AT_ONCE if until_s else len(planted),
        )  # fmt: skip
        grown = lines.exists() and lines.stat().st_size > size
        return "" if grown else str(came_to.get("why") or came_to)[:300]

    def _job(self, mutant: Mutant, tests: list[str]) -> dict[str, Any]:
        job = {
            "id": mutant.id,
            "sql": mutant.sql,
            "undo": mutant.undo,
            "tests": tests,
        }
        if mutant.edit:
            path = self.tree / mutant.edit.path
            old = path.read_text(encoding="utf-8")
            new = old.replace(mutant.edit.old, mutant.edit.new, 1)
            job["edit"] = {"path": str(path), "old": old, "new": new}
        return job

    @contextmanager
    def template(self, statement: str) -> Iterator[str]:
        """A database to clone, in which the statement has been run."""
        name = clone_database(self.server, BASE, f"{BASE}_{self._number}")
        try:
            with psycopg.connect(self.server.url_of(name), autocommit=True) as connection:
                connection.execute(statement.encode())
            yield name
        finally:
            drop_database(self.server, name)

    def run(
        self, files: list[str], tests: list[str], template: str, limit_s: float, *, fresh: bool = False, **more: Any
    ) -> dict[str, Any]:  # fmt: skip
        """Run tests on clones of the template; `late` when the time was over."""
        self._number += 1
        answer = self.folder / f"answer-{self._number}"
        job = {
            "files": [name for name in files if (self.tree / name).exists()], "tests": tests, "answer": str(answer),
            "output": str(self.folder / f"output-{self._number}"), "environ": {"KAMENG_TEST_TEMPLATE": template}, **more,
        }  # fmt: skip
        if not (self._fresh if fresh else self._forked)(json.dumps(job) + "\n", limit_s):
            self._clear()
            return {"late": True, "seconds": limit_s}
        if not answer.exists():
            return {"exit": -1, "why": Path(job["output"]).read_text(errors="replace")[-300:]}
        return json.loads(answer.read_text()) | {"output": job["output"]}

    def _forked(self, line: str, limit_s: float) -> bool:
        warm = self._warm = (
            self._warm if self._warm and self._warm.poll() is None else self._start()
        )
        assert warm.stdin
        warm.stdin.write(line)
        warm.stdin.flush()
        process = self._hear(60)["process"]
        if self._hear(limit_s):
            return True
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        self._hear(60)
        return False

    def _hear(self, seconds: float) -> dict[str, int]:
        """The next line of the warm process, {} when none comes."""
        assert self._warm
        assert self._warm.stdout
        ready, _, _ = select.select([self._warm.stdout], [], [], seconds)
        return json.loads(self._warm.stdout.readline()) if ready else {}

    def _start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.warm", *words], cwd=self.tree, env=self._environ(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1, **more,
        )  # fmt: skip

    def _fresh(self, line: str, limit_s: float) -> bool:
        """In a process of its own, as a file of the product is another one."""
        process = self._start("--once")
        try:
            process.communicate(line, timeout=limit_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
            return False
        return True

    def _environ(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("KAMENG_", "PYTEST_"))}
        roots = [self.tree, *(self.tree / name for name in ("platform", "tenants", "admin"))]
        roots += sorted(self.tree.glob("plugins/*/*/src"))
        return {
            **clean, "PYTHONPATH": os.pathsep.join(map(str, roots)), "PYTHONDONTWRITEBYTECODE": "1", "MUTANTS_LOG": str(self.log),
            "KAMENG_TEST_DATABASE_URL": self.server.database_url, "KAMENG_TEST_REDIS_URL": self.server.redis_url,
        }  # fmt: skip

    def _clear(self) -> None:
        """Drop what a killed run has left."""
        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            names = connection.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE 'kameng\\_t\\_%'"
            ).fetchall()
            for (name,) in names:
                connection.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                )

    def close(self) -> None:
        """End the warm process."""
        if self._warm and self._warm.stdin:
            self._warm.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._warm.wait(30)


@contextmanager
def bench() -> Iterator[Bench]:
    """A bench in a temporary folder; nothing is left behind."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kameng-mutants-")))
        before, tempfile.tempdir = tempfile.tempdir, str(folder)
        stack.callback(setattr, tempfile, "tempdir", before)
        database_url, redis_url = stack.enter_context(servers_for_tests())
        made = Bench(folder, Server(database_url, redis_url, redis_url))
        made.prepare()
        stack.enter_context(statements_end(database_url))
        stack.callback(made.close)
        yield made


@contextmanager
def edited(tree: Path, edit: Edit) -> Iterator[None]:
    """The file with another text in it; as before at the end, its time too."""
    path = tree / edit.path
    before, kept = path.read_text(encoding="utf-8"), path.stat()
    path.write_text(before.replace(edit.old, edit.new, 1), encoding="utf-8")
    os.utime(path, (time.time(), kept.st_mtime + 10))
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")
        os.utime(path, (kept.st_atime, kept.st_mtime))
