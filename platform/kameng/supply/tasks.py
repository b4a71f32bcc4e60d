"""Background work of supply."""

from __future__ import annotations

from typing import Any

from kameng.jobs import every, subscribe
from kameng.supply.services import fulfilment, overdue, querying


@subscribe("order.paid", queue="supply", scope="none")
def fulfil_order(station_id: int, payload: dict[str, Any]) -> None:
    """A paid order that is no card order gets its purchase."""
    fulfilment.fulfil(station_id, int(payload["order_id"]))


@every(seconds=10, scope="none", queue="supply", lease_s=60)
def query_purchases() -> None:
    """Purchases whose outcome is not known yet."""
    querying.query_due()


@every(seconds=30, scope="none", queue="supply", lease_s=60)
def start_forgotten_orders() -> None:
    """Paid orders without a purchase."""
    fulfilment.start_forgotten()


@every(seconds=300)
def watch_deadlines() -> None:
    """Orders that wait too long."""
    overdue.watch_deadlines()
