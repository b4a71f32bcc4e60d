"""The books are proved again and again; what does not add up is an alert until it does."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import text

from kameng.db import db
from kameng.identity.api import audit
from kameng.ledger.services.verifying import Check, Report, verify
from kameng.stock.api import close_alert, open_alerts, raise_alert

ALERT = "ledger"
MAIN_STATION = 1
SMALL_RUN_S = 300
LOOK_BACK = timedelta(minutes=15)
LAST_SQL = text(
    "SELECT max(scheduled_for) FROM job_slot"
    " WHERE job = 'ledger.verify_books' AND scheduled_for < now() - interval '5 minutes'"
)

log = logging.getLogger(__name__)


def watch_lately() -> Report:
    """The small run: what has moved since the run before the last one, balances whole."""
    before = db.session.scalar(LAST_SQL)
    return watch_books(min(before, datetime.now(UTC) - LOOK_BACK) if before else None)


def watch_fully() -> Report:
    """The run that reads everything, noted in the audit trail."""
    started = time.monotonic()
    report = watch_books()
    audit("system", "ledger.verify", "ledger", run_facts(report, time.monotonic() - started))
    db.session.commit()
    return report


def run_facts(report: Report, seconds: float) -> dict[str, object]:
    """What is noted about a run."""
    return {
        "ok": report.ok, "full": report.since is None, "transfers": report.transfers,
        "accounts": report.accounts, "findings": sum(check.count for check in report.checks),
        "seconds": round(seconds, 1),
    }  # fmt: skip


def watch_books(since: datetime | None = None) -> Report:
    """Run every check; one that fails has an open alert until it holds again. Main scope.

    What a narrowed check no longer sees may still be wrong: before its alert is closed it is run
    once more over everything.
    """
    report = verify(since)
    failed = {check.name: check for check in report.checks if not check.ok}
    alerts = [alert.subject for alert in open_alerts(MAIN_STATION, (ALERT,))]
    narrowed = {check.name for check in report.checks if check.narrowed}
    doubtful = {name for name in alerts if name in narrowed and name not in failed}
    if doubtful:
        failed |= {c.name: c for c in verify(only=doubtful).checks if not c.ok}
    for name in alerts:
        if name not in failed:
            close_alert(ALERT, name)
    for check in failed.values():
        _raise(check)
    db.session.commit()
    return report


def _raise(check: Check) -> None:
    log.error("ledger check failed name=%s findings=%d", check.name, check.count)
    first = check.findings[0]
    raise_alert(
        ALERT, check.name, _("账本核对不符：%(title)s", title=check.title),
        {"findings": check.count, "first": first.subject, "expected": first.expected,
         "found": first.found},
    )  # fmt: skip
