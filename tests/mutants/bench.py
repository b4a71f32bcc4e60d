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
from tests.mutants.mutant import Edit, Mutant

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
NOTHING = "nothing"  # a mutant that changes nothing must survive


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
        """A mutant of Python: change the copied file, run its tests, change it back."""
        assert mutant.edit
        with edited(self.tree, mutant.edit):
            # Plugins are not among what the warm process has imported.
            fresh = not mutant.edit.path.startswith("plugins/")
            return self.run(list(mutant.tests), [], BASE, limit_s, fresh=fresh)

    def try_planted(
        self,
        wanted: Sequence[tuple[Mutant, list[str]]],
        limit_s: float,
        until_s: float | None = None,
    ) -> dict[str, Any]:
        """SQL mutants with their tests, all in one session; what each came to, by its id."""
        files = sorted({test.partition("::")[0] for _mutant, tests in wanted for test in tests})
        planted = [
            {
                "id": m.id,
                "sql": m.sql,
                "undo": m.undo,
                "tests": tests,
                "turn": number,
            }
            for number, (m, tests) in enumerate(wanted)
        ]
        every = sorted({test for m, tests in wanted if not m.undo for test in tests})
        planted.append({"id": NOTHING, "sql": "SELECT 1", "undo": "", "tests": every, "turn": -1})
        came_to = self.run(files, [], BASE, limit_s, planted=planted, until=until_s)
        lines = Path(f"{self.folder / f'answer-{self._number}'}.lines")
        if not lines.exists():
            return {
                m.id: {"exit": -1, "why": str(came_to.get("why", came_to))[:300]}
                for m, _tests in wanted
            }
        found = {one["id"]: one for one in map(json.loads, lines.read_text().splitlines())}
        # Tests that fail without any mutant have killed none.
        if every and found[NOTHING]["exit"] != 0:
            return {m.id: {**found[NOTHING], "exit": -1} for m, _tests in wanted}
        return found

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
