"""The books are proved again and again; what does not add up is an alert until it does."""

from __future__ import annotations

import logging

from flask_babel import gettext as _

from kameng.db import db
from kameng.ledger.services.verifying import Check, Report, verify
from kameng.stock.api import close_alert, open_alerts, raise_alert

ALERT = "ledger"
MAIN_STATION = 1

log = logging.getLogger(__name__)


def watch_books() -> Report:
    """Run every check; one that fails has an open alert until it holds again. Main scope."""
    report = verify()
    failed = {check.name: check for check in report.checks if not check.ok}
    for alert in open_alerts(MAIN_STATION, (ALERT,)):
        if alert.subject not in failed:
            close_alert(ALERT, alert.subject)
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
