"""Mapped classes of the open API, for reading and for what a station may write itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, Identity, Integer, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Amount, Base, BigId

Moment = DateTime(timezone=True)


class ApiKey(Base):
    """A key of one member at one station."""

    __tablename__ = "api_key"

    station_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger)
    key_id: Mapped[str] = mapped_column(Text)
    dialect: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    networks: Mapped[list[str]] = mapped_column(ARRAY(Text))
    per_minute: Mapped[int] = mapped_column(Integer)
    callback_url: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
    last_ip: Mapped[str] = mapped_column(Text)


class RefundRequest(Base):
    """A member's request for money back. Guarded functions write it."""

    __tablename__ = "refund_request"

    station_id: Mapped[BigId]
    id: Mapped[BigId]
    request_no: Mapped[str]
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    order_id: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[int] = mapped_column(BigInteger)
    api_key_id: Mapped[int | None] = mapped_column(BigInteger)
    amount: Mapped[Amount]
    reason: Mapped[str]
    state: Mapped[str]
    answer: Mapped[str]
    refund_no: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)


class SandboxOrder(Base):
    """What a sandbox key has "bought"; its state follows from its age."""

    __tablename__ = "sandbox_order"

    station_id: Mapped[BigId]
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    api_key_id: Mapped[int] = mapped_column(BigInteger)
    order_no: Mapped[str]
    merchant_order_no: Mapped[str]
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    sku_id: Mapped[int] = mapped_column(BigInteger)
    quantity: Mapped[int]
    unit_price: Mapped[Amount]
    payable: Mapped[Amount]
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB)
    notify_url: Mapped[str]
    announced: Mapped[str] = mapped_column(server_default="paid")
    created_at: Mapped[datetime] = mapped_column(Moment, server_default="now()")


class SandboxRefund(Base):
    """A request of a sandbox key for "money" back."""

    __tablename__ = "sandbox_refund"

    station_id: Mapped[BigId]
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    sandbox_order_id: Mapped[int] = mapped_column(BigInteger)
    request_no: Mapped[str]
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    amount: Mapped[Amount]
    reason: Mapped[str]
    announced: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[datetime] = mapped_column(Moment, server_default="now()")
