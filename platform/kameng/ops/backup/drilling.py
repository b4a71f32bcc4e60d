"""The drill: restore a copy to a noted moment, compare sums, prove the books, throw it away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field

from kameng.ops.backup import sums
from kameng.ops.backup.methods import Method
from kameng.ops.backup.scratch import Target
from kameng.ops.errors import OpsError
from kameng.ops.postgres import Postgres
from kameng.settings import Settings

PROOF_LIMIT_S = 1800


@dataclass(frozen=True, slots=True)
class Drill:
    """How it went. Times in seconds; `differences` and `books` are empty when all is well."""

    label: str
    took_s: float
    ready_s: float  # until the copy could be written to
    sums: dict[str, str]
    differences: list[str] = field(default_factory=list)
    books: str = ""

    @property
    def ok(self) -> bool:
        """Whether the copy is what the database was."""
        return not self.differences and not self.books

    def lines(self) -> list[str]:
        """For a terminal."""
        wrong = [f"BAD   {text}" for text in self.differences]
        if self.books:
            wrong.append(f"BAD   the books of the copy do not add up:\n{self.books}")
        fine = [f"ok    {name}" for name in self.sums] if not self.differences else []
        books = ["ok    the books of the copy add up"] if not self.books else []
        return [
            *fine,
            *books,
            *wrong,
            f"took  {self.took_s:.1f} s, writable after {self.ready_s:.1f} s",
        ]


def drill(method: Method, settings: Settings) -> Drill:
    """Try the newest backup out. Raises `OpsError` when it cannot be restored at all."""
    began = time.monotonic()
    bases = method.list_bases()
    if not bases:
        raise OpsError("There is no backup yet.", "`kameng backup now` makes one.")
    noted = sums.mark(settings.database_url)
    method.finish_segment()
    restoring = time.monotonic()
    with method.copy(Target(name=noted.name)) as server:
        ready_s = time.monotonic() - restoring
        found = sums.sums_of(server.url(_database(settings)))
        books = _prove(server, settings)
    return Drill(
        label=bases[-1].label, took_s=time.monotonic() - began, ready_s=ready_s,
        sums=dict(noted.sums), differences=sums.differences(noted.sums, found), books=books,
    )  # fmt: skip


def _database(settings: Settings) -> str:
    return settings.database_url.partition("?")[0].rpartition("/")[2]


def _prove(server: Postgres, settings: Settings) -> str:
    """`kameng ledger verify` on the copy, in a process of its own; what it says when it fails."""
    clean = {k: v for k, v in os.environ.items() if not k.endswith("DATABASE_URL")}
    url = server.url(_database(settings))
    given = {
        **clean,
        "KAMENG_HOME": str(settings.home.absolute()),
        "KAMENG_DATABASE_URL": url,
        "KAMENG_REDIS_URL": settings.redis_url,
        "KAMENG_SECRET_KEY": settings.secret_key,
        "KAMENG_MASTER_KEY": settings.master_key,
        "KAMENG_DEMO": str(int(settings.demo)),
        **{f"KAMENG_{role}_DATABASE_URL": "" for role in ("APP", "MAIN", "SUPPLIER")},
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "kameng.cli", "ledger", "verify"], env=given,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=PROOF_LIMIT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"the proof did not end within {PROOF_LIMIT_S} s"
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-2000:]
