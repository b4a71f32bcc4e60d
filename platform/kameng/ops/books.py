"""`kameng ledger verify`: the report of the books for a terminal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from kameng.db import main_scope
from kameng.ledger.api import (
    Check,
    Head,
    HeadsUnreadable,
    Report,
    head,
    read_heads,
    seal,
    verify,
)
from kameng.ops.errors import OpsError
from kameng.runtime import current_settings

UNITS = 10_000  # of one yuan


def verify_books(since: str | None, heads: str | None = None) -> Report:
    """Run every check; needs an app context. Raises `OpsError` for a day or file that is none."""
    try:
        day = _moment(since) if since else None
    except ValueError as error:
        raise OpsError(f"{since!r} is no day.", "Write it as 2026-01-31.") from error
    exported = _exported(heads) if heads else []
    with main_scope(reason="ledger verify"):
        return verify(day, exported)


def _moment(since: str) -> datetime:
    """A day begins where the shop's days begin."""
    moment = datetime.fromisoformat(since)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(current_settings().timezone))


def _exported(path: str) -> list[Head]:
    try:
        found = read_heads(Path(path).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError, HeadsUnreadable) as error:
        raise OpsError(
            f"The heads in {path} cannot be read: {error}.", "Name a file of heads."
        ) from error
    if not found:
        raise OpsError(f"There is no head in {path}.", "Name a file that `kameng` has written.")
    return found


def head_text() -> str:
    """The head of the sealed ledger as one line of JSON; seals what is left first."""
    with main_scope(reason="ledger head"):
        seal()
        newest = head()
    if newest is None:
        raise OpsError("Nothing is sealed yet.", "There is no transfer in the books.")
    return newest.line()


def as_text(report: Report) -> str:
    """The report: one line per check, findings below it, the verdict last."""
    lines = [line for check in report.checks for line in _check(check)]
    volume = f"{report.volume // UNITS}.{report.volume % UNITS:04d}"
    size = f"{report.accounts} accounts, {report.transfers} transfers, volume {volume}"
    if report.since is not None:
        narrowed = sum(check.narrowed for check in report.checks)
        lines.append(
            f"{narrowed} checks read only what has moved since {report.since.isoformat()}, "
            f"{len(report.checks) - narrowed} read everything"
        )
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
