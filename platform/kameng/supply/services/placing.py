"""Sending one purchase: whoever takes the row calls the supplier, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db, main_scope, run
from kameng.plugins import api as plugins
from kameng.runtime import current_settings
from kameng.supply.domain.purchases import Asked, after_purchase
from kameng.supply.services import breaking, settling
from kameng_sdk.money import Money
from kameng_sdk.suppliers import PurchaseRequest, SupplierCapability

UNAVAILABLE_RETRY_S = 30

_ROW = text("""
SELECT p.station_id, p.id, p.order_id, o.kind = 'card' AS cards, p.purchase_no, p.plugin_id,
       p.account, p.connection_id, p.supplier_ref, p.state, p.sku_id, p.sku_ref, p.quantity,
       p.max_cost, p.sends, p.queries,
       extract(epoch FROM now() - coalesce(p.sent_at, p.created_at))::int AS waited_s,
       extract(epoch FROM now() - p.created_at)::int AS age_s
FROM purchase p JOIN orders o ON o.station_id = p.station_id AND o.id = p.order_id
WHERE p.station_id = :station AND p.id = :id
""")


def read(station_id: int, purchase_id: int) -> Row[Any] | None:
    """A purchase as the engine sees it. Opens its own scope."""
    with main_scope(reason="a purchase"):
        return db.session.execute(_ROW, {"station": station_id, "id": purchase_id}).first()


def asked(row: Row[Any]) -> Asked:
    """What its answers are judged by."""
    return Asked(
        quantity=row.quantity, max_cost=row.max_cost, cards=row.cards, sends=row.sends,
        queries=row.queries, waited_s=row.waited_s, age_s=row.age_s,
    )  # fmt: skip


def place(station_id: int, purchase_id: int) -> str:
    """Send a purchase that was not sent yet. "next": its order may go on at once, else "wait"."""
    row = read(station_id, purchase_id)
    if row is None or row.state != "created":
        return "wait"
    try:
        supplier = plugins.supplier(row.plugin_id, row.account)
        notify_url = _notify_url(supplier)
    except plugins.PluginUnavailable as error:
        return _not_there(row, error.reason)
    if not breaking.let_through(row.connection_id):
        return _not_there(row, "breaker")
    taken = _take(station_id, purchase_id)
    if taken is None:
        return "wait"
    answer = supplier.purchase(_request(taken, notify_url))
    # The row was read before it was sent (again).
    fresh = replace(asked(row), sends=taken["sends"], queries=0, waited_s=0)
    judged = after_purchase(settling.said(answer), fresh, supplier.rules, supplier.capabilities)
    if SupplierCapability.MANUAL not in supplier.capabilities:
        breaking.note(row.connection_id, failed=judged.failure, error=answer.message or answer.code)
    return settling.settle(row, answer, judged, step="purchase")


def _not_there(row: Row[Any], reason: str) -> str:
    """The way to the supplier is closed: later, or after a while the next one."""
    judged = settling.unreachable(asked(row), UNAVAILABLE_RETRY_S)
    return settling.settle(
        row, plugins.Answer(**settling.UNSENT, message=reason), judged, "purchase"
    )


def _take(station_id: int, purchase_id: int) -> dict[str, Any] | None:
    """From here on the outcome is unknown until an answer says otherwise."""
    with main_scope(reason="send a purchase"):
        rows = run("take_purchase", p_station=station_id, p_id=purchase_id)
        db.session.commit()
    return rows[0] if rows else None


def _notify_url(supplier: plugins.BoundSupplier) -> str:
    if SupplierCapability.CALLBACK not in supplier.capabilities:
        return ""
    path = plugins.hook_path(plugins.MAIN_STATION, supplier.plugin_id, supplier.account)
    settings = current_settings()
    return settings.host_url(settings.main_host) + path


def _request(taken: dict[str, Any], notify_url: str) -> PurchaseRequest:
    return PurchaseRequest(
        purchase_no=taken["purchase_no"], sku_ref=taken["sku_ref"], quantity=taken["quantity"],
        inputs={str(name): str(value) for name, value in taken["inputs"].items()},
        max_cost=Money(int(taken["max_cost"])), notify_url=notify_url,
    )  # fmt: skip
