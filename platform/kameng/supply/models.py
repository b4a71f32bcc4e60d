"""Purchases as the console reads them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Amount, Base, BigId


class Purchase(Base):
    """One order that we place with a supplier for an order of a shopper."""

    __tablename__ = "purchase"

    station_id: Mapped[BigId]
    id: Mapped[BigId]
    purchase_no: Mapped[str] = mapped_column(Text)
    order_id: Mapped[int] = mapped_column(BigInteger)
    plugin_id: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    supplier_ref: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    cost: Mapped[Amount | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    next_query_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    done_by: Mapped[str] = mapped_column(Text)

    def __str__(self) -> str:
        return self.purchase_no
