"""Orders as pages show them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, func, select, text

from kameng.db import db
from kameng.errors import NotFound
from kameng.orders.domain import OPEN_STATES
from kameng.orders.models import Order, OrderCost, OrderEvent

# Paid, and not yet split among the parties.
UNSPLIT = frozenset({"paid", "fulfilling", "held", "partially_delivered"})


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order for its shopper or for staff. Amounts at scale 4.

    `short` pieces could not be delivered; `refunded` is all that has been given back of it.
    """

    station_id: int
    id: int
    order_no: str
    state: str
    kind: str
    sku_id: int
    product_name: str
    sku_name: str
    quantity: int
    unit_price: int
    total: int
    payable: int
    contact: str
    inputs: dict[str, Any]
    price_explain: list[dict[str, Any]]
    paid_method: str
    delivery_text: str
    short: int
    refunded: int
    member_id: int | None
    risk: str
    risk_reasons: list[Any]
    ip: str
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    delivered_at: datetime | None

    @property
    def open(self) -> bool:
        """True while something is still to happen by itself."""
        return self.state in OPEN_STATES


@dataclass(frozen=True, slots=True)
class EventView:
    """A step of an order's life."""

    at: datetime
    from_state: str
    to_state: str
    actor: str
    reason: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A page of orders, newest first. `next_before` is None on the last page."""

    items: Sequence[OrderView]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class TrailLeg:
    """One transfer of an order: money went from → to."""

    at: datetime
    source: str
    target: str
    source_station: str
    target_station: str
    kind: str
    amount: int


@dataclass(frozen=True, slots=True)
class MoneyTrail:
    """All transfers of an order and its split. `open_amount` still lies in order clearing."""

    legs: Sequence[TrailLeg]
    split: Sequence[tuple[str, int]]
    explain: Sequence[dict[str, Any]]
    open_amount: int
    balanced: bool


def order_page(order_no: str, station_id: int | None = None) -> OrderView:
    """One order by its number; raises `NotFound`. In main scope give the station."""
    query = select(Order).where(Order.order_no == order_no)
    if station_id is not None:
        query = query.where(Order.station_id == station_id)
    order = db.session.scalar(query)
    if order is None:
        raise NotFound("order_unknown", _l("没有这个订单"))
    return _view(order)


def orders_by_numbers(numbers: Sequence[str]) -> list[OrderView]:
    """Orders of the scope's station by number, newest first; unknown numbers are left out."""
    query = select(Order).where(Order.order_no.in_(list(numbers)[:50])).order_by(Order.id.desc())
    return [_view(order) for order in db.session.scalars(query)]


def orders_by_ids(ids: Collection[int]) -> dict[int, OrderView]:
    """Orders of the scope's station by id; unknown ids are left out."""
    query = select(Order).where(Order.id.in_(list(ids)[:500]))
    return {order.id: _view(order) for order in db.session.scalars(query)}


def member_orders(
    member_id: int, states: Sequence[str] = (), before: int | None = None, size: int = 20
) -> OrderPage:
    """A member's orders at the scope's station, newest first, by keyset."""
    conditions: list[ColumnElement[bool]] = [Order.member_id == member_id]
    if states:
        conditions.append(Order.state.in_(list(states)))
    if before is not None:
        conditions.append(Order.id < before)
    return _page(conditions, size)


def station_orders(
    states: Sequence[str] = (), before: int | None = None, size: int = 30
) -> OrderPage:
    """All orders of the scope's station for its own console, newest first."""
    conditions: list[ColumnElement[bool]] = []
    if states:
        conditions.append(Order.state.in_(list(states)))
    if before is not None:
        conditions.append(Order.id < before)
    return _page(conditions, size)


def _page(conditions: Sequence[ColumnElement[bool]], size: int) -> OrderPage:
    query = select(Order).where(*conditions).order_by(Order.id.desc()).limit(size + 1)
    found = list(db.session.scalars(query))
    items = [_view(order) for order in found[:size]]
    return OrderPage(items, items[-1].id if len(found) > size else None)


@dataclass(frozen=True, slots=True)
class StationFigures:
    """Sums of one station since a moment. Amounts at scale 4."""

    orders: int
    paid: int
    delivered: int
    turnover: int


def station_figures(since: datetime, channel: str = "") -> StationFigures:
    """Orders and turnover of the scope's station since a moment; `channel` web, api or both."""
    paid = Order.paid_at.is_not(None)
    wanted = [Order.created_at >= since]
    if channel:
        wanted.append(Order.channel == channel)
    row = db.session.execute(
        select(
            func.count(),
            func.count().filter(paid),
            func.count().filter(Order.delivered_at.is_not(None)),
            func.coalesce(func.sum(Order.payable).filter(paid), 0),
        ).where(*wanted)
    ).one()
    return StationFigures(int(row[0]), int(row[1]), int(row[2]), int(row[3]))


def timeline(order_id: int, station_id: int | None = None) -> list[EventView]:
    """Steps of an order, newest first."""
    query = select(OrderEvent).where(OrderEvent.order_id == order_id)
    if station_id is not None:
        query = query.where(OrderEvent.station_id == station_id)
    events = db.session.scalars(query.order_by(OrderEvent.id.desc()))
    return [EventView(e.at, e.from_state, e.to_state, e.actor, e.reason, e.detail) for e in events]


TRAIL_SQL = text("""
    SELECT t.at, t.kind, t.amount, d.kind AS source, c.kind AS target,
           ds.name AS source_station, cs.name AS target_station
      FROM transfer t
      JOIN account d ON d.id = t.debit_account JOIN account c ON c.id = t.credit_account
      JOIN station ds ON ds.id = d.station_id JOIN station cs ON cs.id = c.station_id
     WHERE t.station_id = :station AND t.order_id = :order ORDER BY t.id
""")


def money_trail(station_id: int, order_id: int) -> MoneyTrail:
    """Where an order's money came from and went to (main scope)."""
    order = db.session.get_one(Order, (station_id, order_id))
    cost = db.session.get_one(OrderCost, (station_id, order_id))
    rows = db.session.execute(TRAIL_SQL, {"station": station_id, "order": order_id}).mappings()
    legs = [
        TrailLeg(
            row["at"], row["source"], row["target"], row["source_station"], row["target_station"],
            row["kind"], row["amount"],
        )
        for row in rows
    ]  # fmt: skip
    clearing = sum(
        (leg.amount if leg.target == "order_clearing" else 0)
        - (leg.amount if leg.source == "order_clearing" else 0)
        for leg in legs
    )
    expected = order.payable if order.state in UNSPLIT else 0
    split = [("cost", cost.cost * order.quantity)]
    split += [
        (str(party), margin * order.quantity)
        for party, margin in zip(cost.parties, cost.margins, strict=True)
    ]
    if order.payable != order.total:
        split.append(("rounding", order.payable - order.total))
    return MoneyTrail(legs, split, cost.explain, clearing, clearing == expected)


def _view(order: Order) -> OrderView:
    return OrderView(**{name: getattr(order, name) for name in OrderView.__dataclass_fields__})
