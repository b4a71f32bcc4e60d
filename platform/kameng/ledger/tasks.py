"""Scheduled work of the ledger."""

import logging

from kameng.jobs import every
from kameng.ledger.api import roll_up, tell_findings, verify

log = logging.getLogger(__name__)


@every(seconds=60)
def roll_up_accounts() -> int:
    """Keep the balance of insert-only accounts cheap to read."""
    return roll_up()


@every(seconds=300, lease_s=600, queue="bulk")
def verify_books() -> bool:
    """Prove the books; what is found is logged as an error and stands open as an alert."""
    report = verify()
    for check in report.checks:
        if not check.ok:
            log.error("ledger check failed name=%s findings=%d", check.name, check.count)
    tell_findings(report)
    return report.ok
