"""Scheduled work of orders."""

from kameng.jobs import every
from kameng.orders.api import complete_old, expire_overdue


@every(seconds=5)
def expire_orders() -> int:
    """Unpaid orders past their time expire; their cards go back to the pool."""
    return expire_overdue()


@every(seconds=3600)
def complete_orders() -> int:
    """Delivered orders are closed when the after-sales time is over."""
    return complete_old()
