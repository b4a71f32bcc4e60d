"""From a paid order to its goods: a purchase row first, then the supplier, then the outcome.

The functions of this file open their own scopes: between the row and the outcome lies a call to
the outside, and no transaction is open while it runs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db, main_scope, run
from kameng.plugins import api as plugins
from kameng.supply.domain import DEFAULT_SUPPLIER, purchase_no
from kameng.supply.services import settling
from kameng_sdk.manifest import PluginKind
from kameng_sdk.money import Money
from kameng_sdk.suppliers import PurchaseRequest

log = logging.getLogger("kameng.supply")

_ORDER = text(
    "SELECT o.kind, o.state, to_char(o.created_at, 'YYMM') AS month FROM orders o"
    " WHERE o.station_id = :station AND o.id = :order"
)
_HAS_PURCHASE = text("SELECT id FROM purchase WHERE station_id = :station AND order_id = :order")
_CREATE = text(
    "INSERT INTO purchase(station_id, purchase_no, order_id, plugin_id)"
    " VALUES (:station, :no, :order, :plugin) ON CONFLICT (station_id, purchase_no) DO NOTHING"
)
_TAKE = text(
    "UPDATE purchase p SET state = 'sent', sent_at = now(),"
    " next_query_at = now() + interval '60 seconds' FROM orders o, sku s, order_cost c"
    " WHERE p.station_id = :station AND p.id = :id AND p.state = 'created'"
    " AND o.station_id = p.station_id AND o.id = p.order_id AND s.id = o.sku_id"
    " AND c.station_id = o.station_id AND c.order_id = o.id AND o.state = 'fulfilling'"
    " RETURNING p.purchase_no, o.quantity, o.inputs, s.code, c.cost * o.quantity AS max_cost"
)
_PLUGIN = text("SELECT plugin_id FROM purchase WHERE station_id = :station AND id = :id")
_POSTPONE = text(
    "UPDATE purchase SET message = :message, next_query_at = now() + interval '60 seconds'"
    " WHERE station_id = :station AND id = :id AND state = 'created'"
)
_FORGOTTEN = text(
    "SELECT o.station_id, o.id FROM orders o WHERE o.state = 'paid' AND o.kind <> 'card'"
    " AND o.paid_at < now() - make_interval(secs => :after_s) ORDER BY o.paid_at LIMIT 100"
)


@dataclass(frozen=True, slots=True)
class _Order:
    station_id: int
    order_id: int
    kind: str
    month: str


def fulfil(station_id: int, order_id: int) -> None:
    """Start the purchase of a paid order that is not a card order; safe to repeat."""
    purchase_id = _open_purchase(station_id, order_id)
    if purchase_id is not None:
        place(station_id, purchase_id)


def place(station_id: int, purchase_id: int) -> None:
    """Call the supplier for a purchase that was not sent yet; whoever takes the row calls."""
    try:
        supplier = plugins.supplier(_plugin_of(station_id, purchase_id))
    except plugins.PluginUnavailable as error:
        _postpone(station_id, purchase_id, str(error))
        return
    row = _take(station_id, purchase_id)
    if row is not None:
        answer = supplier.purchase(_request(row))
        settling.settle_purchase(station_id, purchase_id, answer, supplier.capabilities)


def start_forgotten(*, after_s: float = 60) -> int:
    """Paid orders that nobody has begun to fulfil; returns how many were looked at."""
    with main_scope(reason="paid orders nobody fulfils"):
        rows = db.session.execute(_FORGOTTEN, {"after_s": after_s}).all()
    for row in rows:
        try:
            fulfil(row.station_id, row.id)
        except Exception:
            log.exception("order %d of station %d", row.id, row.station_id)
    return len(rows)


def choose_supplier(kind: str) -> str:
    """A supplier that tops up and is switched on, else the desk."""
    if kind == "top_up":
        for info in plugins.list_plugins():
            if (
                info.kind is PluginKind.SUPPLIER
                and info.enabled
                and info.id != DEFAULT_SUPPLIER
                and "top_up" in info.capabilities
            ):
                return info.id
    return DEFAULT_SUPPLIER


def _open_purchase(station_id: int, order_id: int) -> int | None:
    with main_scope(reason="fulfil an order"):
        given = {"station": station_id, "order": order_id}
        row = db.session.execute(_ORDER, given).first()
        if row is None or row.kind == "card" or row.state not in ("paid", "fulfilling"):
            return None
        (moved,) = run(
            "start_fulfilment", p_station=station_id, p_order_id=order_id,
            p_actor="system", p_reason="purchase",
        )  # fmt: skip
        if moved["code"] == "bad_state":
            return None
        purchase_id = _create(_Order(station_id, order_id, row.kind, row.month))
        db.session.commit()
        return purchase_id


def _create(order: _Order) -> int:
    given: dict[str, Any] = {"station": order.station_id, "order": order.order_id}
    found = db.session.execute(_HAS_PURCHASE, given).scalar()
    if found is None:
        number = purchase_no(order.station_id, order.order_id, 1, order.month)
        plugin = choose_supplier(order.kind)
        db.session.execute(_CREATE, {**given, "no": number, "plugin": plugin})
        found = db.session.execute(_HAS_PURCHASE, given).scalar_one()
    return int(found)


def _plugin_of(station_id: int, purchase_id: int) -> str:
    with main_scope(reason="place a purchase"):
        given = {"station": station_id, "id": purchase_id}
        return str(db.session.execute(_PLUGIN, given).scalar_one())


def _take(station_id: int, purchase_id: int) -> Row[Any] | None:
    """From here on the outcome is unknown until an answer says otherwise."""
    with main_scope(reason="place a purchase"):
        row = db.session.execute(_TAKE, {"station": station_id, "id": purchase_id}).first()
        db.session.commit()
        return row


def _postpone(station_id: int, purchase_id: int, message: str) -> None:
    with main_scope(reason="supplier is not available"):
        given = {"station": station_id, "id": purchase_id, "message": message[:300]}
        db.session.execute(_POSTPONE, given)
        db.session.commit()


def _request(row: Row[Any]) -> PurchaseRequest:
    inputs: Mapping[str, Any] = row.inputs
    return PurchaseRequest(
        purchase_no=row.purchase_no,
        sku_ref=row.code,
        quantity=row.quantity,
        inputs={str(name): str(value) for name, value in inputs.items()},
        max_cost=Money(int(row.max_cost)),
    )
