"""Mapped classes of settlement. Only the terms are written through them, by the main station."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, deferred, mapped_column

from kameng.db import Amount, Base, BigId

Moment = DateTime(timezone=True)


class SettlementTerms(Base):
    """How a station is settled; the row of station 1 counts for all without one of their own."""

    __tablename__ = "settlement_terms"

    station_id: Mapped[BigId]
    release_days: Mapped[int]
    fee_bp: Mapped[int]
    pays_gateway_fee: Mapped[bool]
    deposit_required: Mapped[Amount]
    withdraw_minimum: Mapped[Amount]
    withdraw_daily_limit: Mapped[Amount]
    withdraw_fee: Mapped[Amount]
    withdraw_fee_bp: Mapped[int]
    two_person_above: Mapped[Amount]
    updated_at: Mapped[datetime] = mapped_column(Moment)
    updated_by: Mapped[str] = mapped_column(Text)


class Settlement(Base):
    """What one station earns of one order."""

    __tablename__ = "settlement"

    station_id: Mapped[BigId]
    id: Mapped[BigId]
    order_station_id: Mapped[int] = mapped_column(BigInteger)
    order_id: Mapped[int] = mapped_column(BigInteger)
    margin: Mapped[Amount]
    returned: Mapped[Amount]
    fee_bp: Mapped[int]
    fee: Mapped[Amount]
    gateway_fee: Mapped[Amount]
    state: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime] = mapped_column(Moment)
    released_at: Mapped[datetime | None] = mapped_column(Moment)


class Withdrawal(Base):
    """One payout to a station. The proof and who pays are for the main station's eyes."""

    __tablename__ = "withdrawal"

    station_id: Mapped[BigId]
    id: Mapped[BigId]
    withdrawal_no: Mapped[str] = mapped_column(Text)
    amount: Mapped[Amount]
    fee: Mapped[Amount]
    payee_kind: Mapped[str] = mapped_column(Text)
    payee: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text)
    approved_at: Mapped[datetime | None] = mapped_column(Moment)
    provider_ref: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    proof_type: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text)
    request_key: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    plugin_id: Mapped[str] = deferred(mapped_column(Text), group="desk")
    account: Mapped[str] = deferred(mapped_column(Text), group="desk")
    message: Mapped[str] = deferred(mapped_column(Text), group="desk")
    tries: Mapped[int] = deferred(mapped_column(), group="desk")
    next_try_at: Mapped[datetime | None] = deferred(mapped_column(Moment), group="desk")
    done_by: Mapped[str] = deferred(mapped_column(Text), group="desk")
    proof: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))

    def __str__(self) -> str:
        return self.withdrawal_no
