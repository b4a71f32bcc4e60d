"""Decisions as the console reads them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Base, BigId


class RiskDecisionRow(Base):
    """One evaluation with its reasons."""

    __tablename__ = "risk_decision"

    station_id: Mapped[BigId]
    id: Mapped[BigId]
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    stage: Mapped[str] = mapped_column(Text)
    decision: Mapped[str] = mapped_column(Text)
    score: Mapped[int]
    reasons: Mapped[list[Any]] = mapped_column(JSONB)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
