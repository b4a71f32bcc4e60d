"""Mapped classes of the ledger, for reading only: no role may write them past the functions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Amount, Base, BigId

Moment = DateTime(timezone=True)


class Account(Base):
    """A place where money is: of one station, of one kind."""

    __tablename__ = "account"

    id: Mapped[BigId]
    station_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    ref: Mapped[str]
    currency: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Moment)


class AccountBalance(Base):
    """Balance row of an account with a floor."""

    __tablename__ = "account_balance"

    account_id: Mapped[BigId]
    station_id: Mapped[int] = mapped_column(BigInteger)
    balance: Mapped[Amount]
    floor: Mapped[Amount]
    updated_at: Mapped[datetime] = mapped_column(Moment)


class Transfer(Base):
    """Money went from the debit account to the credit account. Never changed, never deleted."""

    __tablename__ = "transfer"

    id: Mapped[BigId]
    debit_account: Mapped[int] = mapped_column(BigInteger)
    credit_account: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Amount]
    currency: Mapped[str]
    kind: Mapped[str]
    station_id: Mapped[int] = mapped_column(BigInteger)
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    attempt_id: Mapped[int | None] = mapped_column(BigInteger)
    refund_id: Mapped[int | None] = mapped_column(BigInteger)
    txn: Mapped[str]
    leg: Mapped[int]
    params_hash: Mapped[bytes] = mapped_column(LargeBinary)
    memo: Mapped[str]
    at: Mapped[datetime] = mapped_column(Moment)


class Adjustment(Base):
    """Money that a person wants moved; done after a second one has agreed."""

    __tablename__ = "adjustment"

    station_id: Mapped[BigId]
    id: Mapped[BigId]
    debit_kind: Mapped[str]
    debit_ref: Mapped[str]
    credit_kind: Mapped[str]
    credit_ref: Mapped[str]
    amount: Mapped[Amount]
    reason: Mapped[str]
    state: Mapped[str]
    requested_by: Mapped[str]
    request_key: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
