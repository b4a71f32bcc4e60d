"""Background work of supply."""

from __future__ import annotations

from typing import Any

from kameng.jobs import actor, every, subscribe
from kameng.supply.services import (
    ending,
    fulfilling,
    levels,
    overdue,
    placing,
    querying,
    syncing,
    watching,
)


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


@every(seconds=5, scope="none", queue="supply", lease_s=30)
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


@subscribe("supplier.changed", queue="supply", scope="none")
def refresh_levels_of_supplier(station_id: int, payload: dict[str, Any]) -> None:
    """A supplier's grade or state is another: so is what can be had from it."""
    levels.refresh_supplier(int(payload["supplier_id"]))


@actor(queue="supply", scope="none", max_retries=0)
def sync_connection(connection_id: int) -> None:
    """One connection's offers and balance, read anew. What fails is due again by itself."""
    syncing.sync(connection_id)


@every(seconds=5, scope="none")
def start_syncs() -> None:
    """Connections whose time has come."""
    for connection_id in syncing.claim_due():
        sync_connection.send(connection_id)


@every(seconds=60, offset_s=20, scope="none", queue="supply", lease_s=300)
def refresh_levels() -> None:
    """Breakers, grades, contracts and papers change what can be had without any offer changing."""
    levels.refresh_all()
    watching.watch()
