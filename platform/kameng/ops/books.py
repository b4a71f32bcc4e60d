"""`kameng ledger verify`: the report of the books for a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from kameng.db import main_scope
from kameng.ledger.api import Check, Report, verify
from kameng.ops.errors import OpsError

UNITS = 10_000  # of one yuan


def verify_books(since: str | None) -> Report:
    """Run every check; needs an app context. Raises `OpsError` for a day that is none."""
    try:
        day = datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None
    except ValueError as error:
        raise OpsError(f"{since!r} is no day.", "Write it as 2026-01-31.") from error
    with main_scope(reason="ledger verify"):
        return verify(day)


def as_text(report: Report) -> str:
    """The report: one line per check, findings below it, the verdict last."""
    lines = [line for check in report.checks for line in _check(check)]
    volume = f"{report.volume // UNITS}.{report.volume % UNITS:04d}"
    size = f"{report.accounts} accounts, {report.transfers} transfers, volume {volume}"
    verdict = "the books add up" if report.ok else "THE BOOKS DO NOT ADD UP"
    return "\n".join([*lines, f"{verdict} ({size}, at {report.at.isoformat()})"])


def _check(check: Check) -> list[str]:
    mark = "ok  " if check.ok else "BAD "
    lines = [f"{mark}  {check.name}: {check.title} ({check.elapsed_ms} ms)"]
    for finding in check.findings:
        lines.append(
            f"        {finding.subject}: expected {finding.expected}, found {finding.found}"
        )
    hidden = check.count - len(check.findings)
    return [*lines, f"        … and {hidden} more"] if hidden > 0 else lines
