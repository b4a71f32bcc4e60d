"""Mapped classes of orders, for reading. Guarded functions write these tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Amount, Base, BigId

Moment = DateTime(timezone=True)


class Order(Base):
    """One purchase of one SKU by one shopper at one station."""

    __tablename__ = "orders"

    station_id: Mapped[BigId]
    id: Mapped[BigId]
    order_no: Mapped[str]
    channel: Mapped[str]
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    shopper_key: Mapped[str]
    contact: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    ip: Mapped[str]
    sku_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    product_name: Mapped[str]
    sku_name: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[Amount]
    total: Mapped[Amount]
    payable: Mapped[Amount]
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB)
    price_explain: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    price_version: Mapped[int]
    risk: Mapped[str]
    risk_reasons: Mapped[list[Any]] = mapped_column(JSONB)
    state: Mapped[str]
    paid_method: Mapped[str]
    refunded: Mapped[Amount]
    collected_by: Mapped[int] = mapped_column(BigInteger)
    funded: Mapped[bool]
    delivery_text: Mapped[str]
    short: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    paid_at: Mapped[datetime | None] = mapped_column(Moment)
    delivered_at: Mapped[datetime | None] = mapped_column(Moment)
    deadline_at: Mapped[datetime | None] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)


class OrderEvent(Base):
    """A step of an order: who, when, why."""

    __tablename__ = "order_event"
    __table_args__ = (
        ForeignKeyConstraint(["station_id", "order_id"], ["orders.station_id", "orders.id"]),
    )

    station_id: Mapped[BigId]
    order_id: Mapped[BigId]
    id: Mapped[BigId]
    from_state: Mapped[str]
    to_state: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(Moment)


class OrderCost(Base):
    """The split of an order, per piece; main station's eyes only."""

    __tablename__ = "order_cost"

    station_id: Mapped[BigId]
    order_id: Mapped[BigId]
    cost: Mapped[Amount]
    parties: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    margins: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    explain: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
