"""Price rules as stored, and the chain behind each listing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, Identity, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Amount, Base


class PriceRule(Base):
    """A station's rule: what stations below it pay, or what its shoppers pay."""

    __tablename__ = "price_rule"

    station_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    purpose: Mapped[str] = mapped_column(Text)
    grade: Mapped[str | None] = mapped_column(Text)
    category_id: Mapped[int | None] = mapped_column(BigInteger)
    sku_id: Mapped[int | None] = mapped_column(BigInteger)
    for_station_id: Mapped[int | None] = mapped_column(BigInteger)
    operation: Mapped[str] = mapped_column(Text)
    value: Mapped[Amount]
    rounding_step: Mapped[int] = mapped_column(BigInteger, default=1)
    rounding: Mapped[str] = mapped_column(Text, default="half_up")
    floor_price: Mapped[int | None] = mapped_column(BigInteger)
    ceiling_price: Mapped[int | None] = mapped_column(BigInteger)
    active: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class PriceChain(Base):
    """Cost and margins behind a listing; no station may read it."""

    __tablename__ = "price_chain"

    station_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    sku_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    cost: Mapped[Amount]
    parties: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    margins: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    explain: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
