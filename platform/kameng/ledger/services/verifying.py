"""`kameng ledger verify`: the books prove themselves, or say where they do not."""

from __future__ import annotations

import time
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from kameng.db import db
from kameng.ledger.services.checks import CheckQuery, checks
from kameng.ledger.services.sealing import Head, compare_heads

HEADS = "exported_heads_kept"
SHOWN = 50  # findings kept of one check; the count is always the whole


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Check:
    """One proof: how many findings, the first of them, and how long it took."""

    name: str
    title: str
    count: int
    findings: Sequence[Finding]
    elapsed_ms: int
    narrowed: bool = False  # only what has moved since the asked moment was read

    @property
    def ok(self) -> bool:
        """True when nothing was found."""
        return self.count == 0


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one run and the size of what was looked at."""

    checks: Sequence[Check]
    accounts: int
    transfers: int
    volume: int  # sum of all transfers, scale 4
    at: datetime
    since: datetime | None = None

    @property
    def ok(self) -> bool:
        """True when every check is."""
        return all(check.ok for check in self.checks)


def verify(
    since: datetime | None = None, heads: Sequence[Head] = (), only: Container[str] | None = None
) -> Report:
    """Run every check in one snapshot (main scope), or those named in `only`.

    With `since` the row-by-row checks read only orders, attempts, transfers and seals that have
    moved since then; totals and balances are recomputed from the first transfer on all the same.
    `heads` are seals that were written down elsewhere: the chain must still lead through them.
    """
    session = db.session
    session.rollback()
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    session.execute(text("SET LOCAL statement_timeout = '15min'; SET LOCAL jit = off"))
    results = [_run(query, since) for query in checks() if only is None or query.name in only]
    if heads:
        results.append(_heads(heads))
    size = session.execute(
        text(
            "SELECT (SELECT count(*) FROM account), count(*), coalesce(sum(amount), 0), now() "
            "FROM transfer"
        )
    ).one()
    session.rollback()
    return Report(results, int(size[0]), int(size[1]), int(size[2]), size[3], since)


def _run(query: CheckQuery, since: datetime | None) -> Check:
    started = time.monotonic()
    narrowed = since is not None and query.scope != "whole"
    sql = query.narrowed if narrowed else query.sql
    rows = db.session.execute(text(sql), {"since": since} if narrowed else {}).all()
    findings = [Finding(str(row[0]), str(row[1]), str(row[2])) for row in rows[:SHOWN]]
    took = int((time.monotonic() - started) * 1000)
    return Check(query.name, query.title, len(rows), findings, took, narrowed)


def _heads(heads: Sequence[Head]) -> Check:
    started = time.monotonic()
    found = [Finding(f"seal:{f.id}", f.expected, f.found) for f in compare_heads(heads)]
    took = int((time.monotonic() - started) * 1000)
    return Check(HEADS, "封存链经过每一个写在库外的摘要", len(found), found[:SHOWN], took)
