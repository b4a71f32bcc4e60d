"""Scheduled work of promotions."""

from kameng.jobs import every
from kameng.promotions.api import watch


@every(seconds=5)
def watch_flash_sales() -> int:
    """Flash sales begin and end by the clock, and their gates are counted anew from the orders."""
    return watch()
