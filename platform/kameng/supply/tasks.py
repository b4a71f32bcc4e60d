"""Background work of supply."""

from __future__ import annotations

from typing import Any

from kameng.jobs import every, subscribe
from kameng.supply.services import ending, fulfilling, overdue, placing, querying


@subscribe("order.paid", queue="supply", scope="none")
def fulfil_order(station_id: int, payload: dict[str, Any]) -> None:
    """A paid order that is not served from the pool is bought."""
    fulfilling.fulfil(station_id, int(payload["order_id"]))


@subscribe("purchase.declined", queue="supply", scope="none")
def try_next_supplier(station_id: int, payload: dict[str, Any]) -> None:
    """A supplier said no: the next one, or the end."""
    fulfilling.fulfil(station_id, int(payload["order_id"]))


@subscribe("purchase.part", queue="supply", scope="none")
def buy_the_rest(station_id: int, payload: dict[str, Any]) -> None:
    """Fewer pieces came than were ordered."""
    fulfilling.fulfil(station_id, int(payload["order_id"]))


@subscribe("purchase.ask", queue="supply", scope="none")
def ask_supplier(station_id: int, payload: dict[str, Any]) -> None:
    """Something has happened to a purchase, or a person wants to know."""
    purchase_id = int(payload["purchase_id"])
    steps = (placing.place(station_id, purchase_id), querying.ask(station_id, purchase_id))
    if "next" in steps:
        fulfilling.fulfil(station_id, int(payload["order_id"]))


@every(seconds=5, scope="none", queue="supply", lease_s=60)
def query_purchases() -> None:
    """Purchases whose outcome is not known yet."""
    querying.query_due()


@every(seconds=15, scope="none", queue="supply", lease_s=60)
def continue_orders() -> None:
    """Orders that nobody works on."""
    fulfilling.continue_unfinished()


@every(seconds=300)
def watch_deadlines() -> None:
    """Orders that wait too long."""
    overdue.watch_deadlines()
    ending.close_waiting_alerts()
