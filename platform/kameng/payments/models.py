"""Mapped classes of payments."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, LargeBinary, Text, Time
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Amount, Base, BigId

Moment = DateTime(timezone=True)


class PaymentAttempt(Base):
    """One try to collect. The row is committed before the gateway is called."""

    __tablename__ = "payment_attempt"

    station_id: Mapped[BigId]
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    attempt_no: Mapped[str]
    purpose: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    plugin_id: Mapped[str]
    method: Mapped[str]
    amount: Mapped[Amount]
    currency: Mapped[str] = mapped_column(server_default="CNY")
    fee: Mapped[Amount] = mapped_column(server_default="0")
    state: Mapped[str] = mapped_column(server_default="created")
    provider_ref: Mapped[str] = mapped_column(server_default="")
    redirect_url: Mapped[str] = mapped_column(server_default="")
    qr_content: Mapped[str] = mapped_column(server_default="")
    message: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(Moment, server_default="now()")
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    paid_at: Mapped[datetime | None] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    next_query_at: Mapped[datetime | None] = mapped_column(Moment)
    query_count: Mapped[int] = mapped_column(server_default="0")
    account_station_id: Mapped[int] = mapped_column(BigInteger, server_default="1")
    account: Mapped[str] = mapped_column(server_default="")
    device: Mapped[str] = mapped_column(server_default="")
    cashier: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    opened_by: Mapped[str] = mapped_column(server_default="")


class PaymentAccount(Base):
    """Terms of one account at a gateway, and its breaker. No row: always, and sound."""

    __tablename__ = "payment_account"

    station_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    plugin_id: Mapped[str] = mapped_column(Text, primary_key=True)
    account: Mapped[str] = mapped_column(Text, primary_key=True, default="")
    name: Mapped[str] = mapped_column(server_default="")
    weight: Mapped[int] = mapped_column(server_default="100")
    minimum: Mapped[int | None] = mapped_column(BigInteger)
    maximum: Mapped[int | None] = mapped_column(BigInteger)
    daily_limit: Mapped[int | None] = mapped_column(BigInteger)
    opens: Mapped[time | None] = mapped_column(Time)
    closes: Mapped[time | None] = mapped_column(Time)
    devices: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    failures: Mapped[int] = mapped_column(server_default="0")
    trips: Mapped[int] = mapped_column(server_default="0")
    broken_until: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str] = mapped_column(server_default="")
    updated_at: Mapped[datetime] = mapped_column(Moment, server_default="now()")


class PaymentProof(Base):
    """What a shopper sent to show that money is on its way."""

    __tablename__ = "payment_proof"

    station_id: Mapped[BigId]
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    attempt_id: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str]
    ip: Mapped[str]
    at: Mapped[datetime] = mapped_column(Moment, server_default="now()")


class PaymentNotice(Base):
    """A callback as it came, refused ones too."""

    __tablename__ = "payment_notice"

    station_id: Mapped[BigId]
    id: Mapped[BigId]
    plugin_id: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    method: Mapped[str]
    query: Mapped[str]
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    ip: Mapped[str]
    result: Mapped[str]
    attempt_no: Mapped[str]
    times: Mapped[int]
    at: Mapped[datetime] = mapped_column(Moment)
    last_at: Mapped[datetime] = mapped_column(Moment)


class Refund(Base):
    """One try to give back; its number never changes, however often it is sent."""

    __tablename__ = "refund"

    station_id: Mapped[BigId]
    id: Mapped[BigId]
    refund_no: Mapped[str]
    attempt_id: Mapped[int] = mapped_column(BigInteger)
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    provider_ref: Mapped[str]
    amount: Mapped[Amount]
    currency: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str]
    refund_ref: Mapped[str]
    message: Mapped[str]
    tries: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Moment)
    next_try_at: Mapped[datetime | None] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    request_key: Mapped[str]
    requested_by: Mapped[str]
    note: Mapped[str]
    by_hand: Mapped[str]


class BonusRule(Base):
    """What a top-up earns beside itself; the rule that gives most counts, one for each top-up."""

    __tablename__ = "bonus_rule"

    station_id: Mapped[BigId]
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    minimum: Mapped[Amount]
    kind: Mapped[str]
    value: Mapped[int] = mapped_column(BigInteger)
    cap: Mapped[int | None] = mapped_column(BigInteger)
    first_only: Mapped[bool] = mapped_column(server_default="false")
    starts_at: Mapped[datetime | None] = mapped_column(Moment)
    ends_at: Mapped[datetime | None] = mapped_column(Moment)
    active: Mapped[bool] = mapped_column(server_default="true")
    note: Mapped[str] = mapped_column(server_default="")
    created_by: Mapped[str] = mapped_column(server_default="system")
    created_at: Mapped[datetime] = mapped_column(Moment, server_default="now()")


class BonusGrant(Base):
    """What a top-up got, or that there was no money for it."""

    __tablename__ = "bonus_grant"

    station_id: Mapped[BigId]
    attempt_id: Mapped[BigId]
    rule_id: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Amount]
    state: Mapped[str]
    at: Mapped[datetime] = mapped_column(Moment)
