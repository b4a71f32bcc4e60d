"""Scheduled work of the ledger."""

from kameng.jobs import every
from kameng.ledger.api import export_head, roll_up, seal, watch_fully, watch_lately

DAY_S = 86_400
NIGHT_S = 19 * 3600  # 03:00 in China


@every(seconds=60)
def roll_up_accounts() -> int:
    """Keep the balance of insert-only accounts cheap to read."""
    return roll_up()


@every(seconds=60, offset_s=20, lease_s=600)
def seal_transfers() -> int:
    """Put the transfers of the last minute under the seal."""
    return seal()


@every(seconds=300, lease_s=600, queue="bulk")
def verify_books() -> bool:
    """Prove what has moved lately; a check that fails is logged and raised as an alert."""
    return watch_lately().ok


@every(seconds=DAY_S, offset_s=NIGHT_S, lease_s=3 * 3600, queue="bulk")
def verify_books_fully() -> bool:
    """Prove everything, once a night."""
    return watch_fully().ok


@every(seconds=DAY_S, offset_s=NIGHT_S + 3600)
def write_ledger_head() -> bool:
    """Write the head of the sealed ledger down outside the database."""
    return export_head() is not None
