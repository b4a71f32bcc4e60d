"""Mapped classes of the open API, for reading and for what a station may write itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Amount, Base, BigId

Moment = DateTime(timezone=True)


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
