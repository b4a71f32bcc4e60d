"""Stations, their host names, and applications to open one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, Identity, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Base


class Station(Base):
    """One tenant: the main station (id 1) or a station below it."""

    __tablename__ = "station"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(BigInteger)
    path: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    tagline: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(Text)
    grade: Mapped[str] = mapped_column(Text, default="bronze")
    theme: Mapped[str] = mapped_column(Text, default="qing")
    theme_settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    contact: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    notice: Mapped[str] = mapped_column(Text, default="")
    locale: Mapped[str] = mapped_column(Text, default="zh_Hans_CN")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def __str__(self) -> str:
        return self.name


class Host(Base):
    """A host name that answers for a station."""

    __tablename__ = "host"

    host: Mapped[str] = mapped_column(Text, primary_key=True)
    station_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class StationApplication(Base):
    """A request to open a station, from submission to its review."""

    __tablename__ = "station_application"

    station_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    theme: Mapped[str] = mapped_column(Text, default="qing")
    applicant: Mapped[dict[str, Any]] = mapped_column(JSONB)
    owner_login: Mapped[str] = mapped_column(Text)
    owner_password_hash: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="submitted")
    reason: Mapped[str] = mapped_column(Text, default="")
    reviewed_by: Mapped[str | None] = mapped_column(Text)
    reviewed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    opened_station_id: Mapped[int | None] = mapped_column(BigInteger)
    query_code_hash: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
