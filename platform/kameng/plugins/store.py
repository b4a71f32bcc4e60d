"""Rows of `station_plugin`, read and written in the main scope only: pages of a station have no
right to this table, so they can never reach anybody's settings.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from kameng.db import db, main_scope
from kameng.plugins.models import StationPlugin

MAIN_STATION = 1
TOKEN_BYTES = 24
REASON = "plugin settings"


@dataclass(frozen=True, slots=True)
class PluginRow:
    """A row as it was read; ``sealed`` are the encrypted secrets."""

    station_id: int
    plugin_id: str
    enabled: bool
    config: Mapping[str, Any]
    sealed: bytes | None
    secrets_meta: Mapping[str, Any]
    config_version: int
    token: str
    health: Mapping[str, Any]
    updated_at: datetime

    @property
    def has_values(self) -> bool:
        """Whether the station has a configuration of its own."""
        return self.config_version > 0


@dataclass(frozen=True, slots=True)
class RowPair:
    """What counts for one plugin at one station: its own row and the main station's."""

    own: PluginRow | None = None
    main: PluginRow | None = None


def read_pairs(station_id: int, plugin_id: str | None = None) -> dict[str, RowPair]:
    """The rows of a station and of the main station, by plugin, in one query."""
    wanted = select(StationPlugin).where(StationPlugin.station_id.in_({station_id, MAIN_STATION}))
    if plugin_id is not None:
        wanted = wanted.where(StationPlugin.plugin_id == plugin_id)
    with main_scope(reason=REASON):
        rows = [_row(found) for found in db.session.scalars(wanted)]
    own = {row.plugin_id: row for row in rows if row.station_id == station_id}
    main = {row.plugin_id: row for row in rows if row.station_id == MAIN_STATION}
    return {name: RowPair(own.get(name), main.get(name)) for name in {*own, *main}}


def read_pair(station_id: int, plugin_id: str) -> RowPair:
    """Both rows of one plugin; either may be missing."""
    return read_pairs(station_id, plugin_id).get(plugin_id, RowPair())


def station_of_token(plugin_id: str, token: str) -> int | None:
    """Whose notices arrive under this token."""
    with main_scope(reason="plugin callback"):
        return db.session.scalar(
            select(StationPlugin.station_id).where(
                StationPlugin.token == token, StationPlugin.plugin_id == plugin_id
            )
        )


def enabled_accounts() -> list[tuple[int, str]]:
    """(station, plugin) of every switched-on row with values of its own, in order."""
    with main_scope(reason="plugin health"):
        found = db.session.execute(
            select(StationPlugin.station_id, StationPlugin.plugin_id)
            .where(StationPlugin.enabled, StationPlugin.config_version > 0)
            .order_by(StationPlugin.plugin_id, StationPlugin.station_id)
        )
        return [(station_id, plugin_id) for station_id, plugin_id in found]


def ensure_row(station_id: int, plugin_id: str, *, enabled: bool) -> str:
    """Make the row when it is missing, with ``enabled`` and no values; returns its token."""
    with main_scope(reason=REASON):
        _insert_missing(station_id, plugin_id, enabled)
        token = db.session.scalar(
            select(StationPlugin.token).where(
                StationPlugin.station_id == station_id, StationPlugin.plugin_id == plugin_id
            )
        )
        db.session.commit()
    return token or ""


def lock_row(station_id: int, plugin_id: str, *, enabled: bool) -> StationPlugin:
    """The mapped row, made when missing and locked; for use inside a main scope."""
    _insert_missing(station_id, plugin_id, enabled)
    return db.session.scalars(
        select(StationPlugin)
        .where(StationPlugin.station_id == station_id, StationPlugin.plugin_id == plugin_id)
        .with_for_update()
    ).one()


def write_health(station_id: int, plugin_id: str, health: Mapping[str, Any]) -> None:
    """Keep the latest report beside the row, if there is one."""
    with main_scope(reason="plugin health"):
        db.session.execute(
            update(StationPlugin)
            .where(StationPlugin.station_id == station_id, StationPlugin.plugin_id == plugin_id)
            .values(health={**health, "at": datetime.now(UTC).isoformat(timespec="seconds")})
        )
        db.session.commit()


def audit(station_id: int, actor: str, action: str, plugin_id: str, detail: object) -> None:
    """An append-only line in the session's transaction; names of fields, never their values."""
    db.session.execute(
        text(
            "INSERT INTO audit_event(station_id, actor, action, subject, detail)"
            " VALUES (:station, :actor, :action, :subject, CAST(:detail AS jsonb))"
        ),
        {
            "station": station_id, "actor": actor, "action": action,
            "subject": f"plugin:{plugin_id}", "detail": json.dumps(detail),
        },
    )  # fmt: skip


def _insert_missing(station_id: int, plugin_id: str, enabled: bool) -> None:
    db.session.execute(
        insert(StationPlugin)
        .values(
            station_id=station_id, plugin_id=plugin_id, account="", enabled=enabled, config={},
            secrets_meta={}, config_version=0, token=secrets.token_urlsafe(TOKEN_BYTES),
            health={}, updated_at=datetime.now(UTC),
        )
        .on_conflict_do_nothing(index_elements=["station_id", "plugin_id", "account"])
    )  # fmt: skip


def _row(found: StationPlugin) -> PluginRow:
    return PluginRow(
        found.station_id, found.plugin_id, found.enabled, found.config, found.secrets,
        found.secrets_meta, found.config_version, found.token, found.health, found.updated_at,
    )  # fmt: skip
