"""Switch and configuration of a plugin at a station, and reviewed releases. Role main only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kameng.db import Base


class StationPlugin(Base):
    """The row of station 1 is the default for all; ``config_version`` 0 means no values of its own.

    ``secrets`` is sealed (`kameng.plugins.sealing`); ``secrets_meta`` says when each was set and
    how it ends. ``updated_at`` moves with the configuration, not with ``health``.
    """

    __tablename__ = "station_plugin"

    station_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    plugin_id: Mapped[str] = mapped_column(Text, primary_key=True)
    account: Mapped[str] = mapped_column(Text, primary_key=True, default="")
    enabled: Mapped[bool]
    config: Mapped[dict[str, Any]] = mapped_column(JSONB)
    secrets: Mapped[bytes | None] = mapped_column(LargeBinary)
    secrets_meta: Mapped[dict[str, Any]] = mapped_column(JSONB)
    config_version: Mapped[int]
    token: Mapped[str] = mapped_column(Text)
    health: Mapped[dict[str, Any]] = mapped_column(JSONB)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class PluginRelease(Base):
    """One state of a plugin's files, named by ``digest``, and what was said about it.

    ``report`` is what `kameng-plugin verify --format json` wrote, empty until it is uploaded.
    """

    __tablename__ = "plugin_release"

    plugin_id: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    submitted_by: Mapped[str] = mapped_column(Text)
    submitted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    reviewed_by: Mapped[str] = mapped_column(Text)
    reviewed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str] = mapped_column(Text)
