"""Scheduled work of the ledger."""

from kameng.jobs import every
from kameng.ledger.api import roll_up, watch_books


@every(seconds=60)
def roll_up_accounts() -> int:
    """Keep the balance of insert-only accounts cheap to read."""
    return roll_up()


@every(seconds=300, lease_s=600, queue="bulk")
def verify_books() -> bool:
    """Prove the books; a check that fails is logged as an error and raised as an alert."""
    return watch_books().ok
