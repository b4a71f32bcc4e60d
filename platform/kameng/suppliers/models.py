"""Suppliers, contracts, payments, statements and disputes as the console lists them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, DateTime, Identity, Text
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Amount, Base

Moment = DateTime(timezone=True)


class Supplier(Base):
    """An upstream party."""

    __tablename__ = "supplier"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    legal_name: Mapped[str] = mapped_column(Text, default="")
    contact_name: Mapped[str] = mapped_column(Text, default="")
    phone: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(Text, default="")
    internal: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(Text, default="applied")
    pause_reason: Mapped[str] = mapped_column(Text, default="")
    grade: Mapped[str | None] = mapped_column(Text)
    grade_fixed: Mapped[bool] = mapped_column(default=False)
    about: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(Moment)
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_by: Mapped[str] = mapped_column(Text, default="")

    def __str__(self) -> str:
        return self.name


class SupplierContract(Base):
    """What is agreed with a supplier, for a time."""

    __tablename__ = "supplier_contract"

    supplier_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    contract_no: Mapped[str] = mapped_column(Text)
    terms: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date]
    valid_until: Mapped[date]
    credit_limit: Mapped[Amount]
    settlement_cycle: Mapped[str] = mapped_column(Text)
    duty_contact: Mapped[str] = mapped_column(Text, default="")
    duty_phone: Mapped[str] = mapped_column(Text, default="")
    duty_minutes: Mapped[int] = mapped_column(default=30)
    state: Mapped[str] = mapped_column(Text, default="draft")
    note: Mapped[str] = mapped_column(Text, default="")
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    signed_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)

    def __str__(self) -> str:
        return self.contract_no


class SupplierPayment(Base):
    """Money that went to a supplier or came back; written by guarded functions only."""

    __tablename__ = "supplier_payment"

    supplier_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    amount: Mapped[Amount]
    paid_on: Mapped[date]
    method: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)


class SupplierStatement(Base):
    """One period's account with a supplier."""

    __tablename__ = "supplier_statement"

    supplier_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    period_from: Mapped[date]
    period_until: Mapped[date]
    opening: Mapped[Amount]
    purchases: Mapped[Amount]
    refunds: Mapped[Amount]
    payments: Mapped[Amount]
    closing: Mapped[Amount]
    lines: Mapped[int]
    state: Mapped[str] = mapped_column(Text)
    comment: Mapped[str] = mapped_column(Text)
    their_total: Mapped[Amount | None]
    created_at: Mapped[datetime] = mapped_column(Moment)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    answered_by: Mapped[str] = mapped_column(Text)


class SupplyDispute(Base):
    """A quarrel about a purchase or a statement."""

    __tablename__ = "supply_dispute"

    supplier_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    station_id: Mapped[int | None] = mapped_column(BigInteger)
    purchase_id: Mapped[int | None] = mapped_column(BigInteger)
    statement_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    claim: Mapped[Amount]
    agreed: Mapped[Amount | None]
    state: Mapped[str] = mapped_column(Text)
    opened_by: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime] = mapped_column(Moment)
    first_answer_at: Mapped[datetime | None] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
