"""Connections, offers and purchases as they are read; purchases are written by functions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Amount, Base, BigId

Moment = DateTime(timezone=True)


class Purchase(Base):
    """One order that we place with a supplier for an order of a shopper."""

    __tablename__ = "purchase"

    station_id: Mapped[BigId]
    id: Mapped[BigId]
    purchase_no: Mapped[str] = mapped_column(Text)
    order_id: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int]
    plugin_id: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(Text)
    connection_id: Mapped[int] = mapped_column(BigInteger)
    supplier_id: Mapped[int] = mapped_column(BigInteger)
    offer_id: Mapped[int | None] = mapped_column(BigInteger)
    sku_id: Mapped[int] = mapped_column(BigInteger)
    sku_ref: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    delivered: Mapped[int]
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    waits_for: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    supplier_ref: Mapped[str] = mapped_column(Text)
    expected_cost: Mapped[Amount]
    max_cost: Mapped[Amount]
    cost: Mapped[Amount | None]
    refunded: Mapped[Amount]
    routing: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    sends: Mapped[int]
    queries: Mapped[int]
    late_success: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    next_query_at: Mapped[datetime | None] = mapped_column(Moment)
    cancel_asked_at: Mapped[datetime | None] = mapped_column(Moment)
    done_by: Mapped[str] = mapped_column(Text)

    def __str__(self) -> str:
        return self.purchase_no


class Connection(Base):
    """One account at one supplier, spoken to by one plugin."""

    __tablename__ = "supply_connection"

    supplier_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    plugin_id: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(Text, default="")
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="active")
    pause_reason: Mapped[str] = mapped_column(Text, default="")
    sync_every_s: Mapped[int] = mapped_column(default=300)
    sync_goods: Mapped[bool] = mapped_column(default=True)
    next_sync_at: Mapped[datetime] = mapped_column(Moment)
    synced_at: Mapped[datetime | None] = mapped_column(Moment)
    sync_error: Mapped[str] = mapped_column(Text, default="")
    sync_counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    balance: Mapped[Amount | None]
    balance_at: Mapped[datetime | None] = mapped_column(Moment)
    low_balance: Mapped[Amount] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    trips: Mapped[int] = mapped_column(default=0)
    broken_until: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(Moment)

    def __str__(self) -> str:
        return self.name


class SupplyOffer(Base):
    """One thing a supplier sells, and which of our SKUs it is."""

    __tablename__ = "supply_offer"

    supplier_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    connection_id: Mapped[int] = mapped_column(BigInteger)
    sku_ref: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str] = mapped_column(Text)
    cost: Mapped[Amount]
    stock: Mapped[int | None]
    on_sale: Mapped[bool] = mapped_column(default=True)
    minimum: Mapped[int] = mapped_column(default=1)
    maximum: Mapped[int | None]
    fields: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    sku_id: Mapped[int | None] = mapped_column(BigInteger)
    input_map: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    active: Mapped[bool] = mapped_column(default=True)
    first_seen_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    gone_at: Mapped[datetime | None] = mapped_column(Moment)
    changed_at: Mapped[datetime] = mapped_column(Moment)

    def __str__(self) -> str:
        return self.name


class OfferChange(Base):
    """One change of an offer's cost, or of whether it can be bought: append-only."""

    __tablename__ = "supply_offer_change"

    supplier_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    offer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    old_cost: Mapped[int | None] = mapped_column(BigInteger)
    new_cost: Mapped[Amount]
    old_on_sale: Mapped[bool | None]
    new_on_sale: Mapped[bool]
    source: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Moment)


class SupplyPolicy(Base):
    """How one SKU follows its suppliers; without a row the defaults count."""

    __tablename__ = "supply_policy"

    sku_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    on_rise: Mapped[str] = mapped_column(Text, default="reprice")
    follow: Mapped[bool] = mapped_column(default=True)
    only_raise: Mapped[bool] = mapped_column(default=False)
    add_bp: Mapped[int] = mapped_column(default=0)
    add_amount: Mapped[Amount] = mapped_column(default=0)
    least_cost: Mapped[int | None] = mapped_column(BigInteger)
    loss_bp: Mapped[int] = mapped_column(default=0)
    when_none: Mapped[str] = mapped_column(Text, default="refund")
    updated_at: Mapped[datetime] = mapped_column(Moment)
    updated_by: Mapped[str] = mapped_column(Text)


class SupplyLevel(Base):
    """How many of a SKU suppliers have, and why it is not sold though they have it."""

    __tablename__ = "supply_level"

    sku_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    available: Mapped[int | None]
    paused: Mapped[str] = mapped_column(Text, default="")
    updated_at: Mapped[datetime] = mapped_column(Moment)
