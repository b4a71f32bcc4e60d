"""Rows of `station_plugin`, read and written in the main scope only: pages of a station have no
right to this table, so they can never reach anybody's settings.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, select, text, update
from sqlalchemy.dialects.postgresql import insert

from kameng import epoch
from kameng.db import call, db, main_scope
from kameng.plugins.models import StationPlugin

MAIN_STATION = 1
TOKEN_BYTES = 24
REASON = "plugin settings"
Rows = Mapping[str, Mapping[str, "PluginRow"]]  # of one station, by plugin and account

_rows: epoch.Memory[int, Rows] = epoch.Memory("kameng.plugins.rows")
_tokens: epoch.Memory[tuple[str, str], tuple[int, str] | None] = epoch.Memory(
    "kameng.plugins.tokens"
)


@dataclass(frozen=True, slots=True)
class PluginRow:
    """A row as it was read; ``sealed`` are the encrypted secrets.

    ``account`` tells several accounts of one station at one gateway apart; "" is the first.
    """

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
    account: str = ""

    @property
    def has_values(self) -> bool:
        """Whether the station has a configuration of its own."""
        return self.config_version > 0


@dataclass(frozen=True, slots=True)
class RowPair:
    """What counts for one plugin at one station: its own row and the main station's."""

    own: PluginRow | None = None
    main: PluginRow | None = None


@dataclass(frozen=True, slots=True)
class AccountRows:
    """All rows of one plugin, by account: the station's own and the main station's."""

    own: Mapping[str, PluginRow] = field(default_factory=dict)
    main: Mapping[str, PluginRow] = field(default_factory=dict)

    @property
    def first(self) -> RowPair:
        """The first account of both."""
        return RowPair(self.own.get(""), self.main.get(""))


def known_accounts(station_id: int) -> dict[str, AccountRows]:
    """The rows of a station and of the main station, by plugin, as they are remembered.

    `health` may be older than the rest: reports do not renew the mark.
    """
    own, main = _remembered(station_id)
    return {name: AccountRows(own.get(name, {}), main.get(name, {})) for name in own.keys() | main}


def known_rows(station_id: int, plugin_id: str) -> AccountRows:
    """The same of one plugin."""
    own, main = _remembered(station_id)
    return AccountRows(own.get(plugin_id, {}), main.get(plugin_id, {}))


def _remembered(station_id: int) -> tuple[Rows, Rows]:
    main = _rows.recall(MAIN_STATION, lambda: _rows_of(MAIN_STATION))
    if station_id == MAIN_STATION:
        return main, main
    return _rows.recall(station_id, lambda: _rows_of(station_id)), main


def _rows_of(station_id: int) -> Rows:
    found: dict[str, dict[str, PluginRow]] = {}
    with main_scope(reason=REASON):
        rows = call("plugin_rows", as_main=True, p_owner=station_id)["rows"]
    for values in rows or ():
        row = _row_of_list(*values)
        found.setdefault(row.plugin_id, {})[row.account] = row
    return found


def _row_of_list(
    station: int, plugin: str, on: bool, config: Mapping[str, Any], sealed: str | None,
    meta: Mapping[str, Any], version: int, token: str, health: Mapping[str, Any], at: str,
    account: str,
) -> PluginRow:  # fmt: skip
    secret, since = (
        bytes.fromhex(sealed) if sealed is not None else None,
        datetime.fromisoformat(at),
    )
    return PluginRow(
        station, plugin, on, config, secret, meta, version, token, health, since, account
    )


def read_accounts(station_id: int, plugin_id: str | None = None) -> dict[str, AccountRows]:
    """The rows of a station and of the main station, by plugin, in one query."""
    wanted = select(StationPlugin).where(StationPlugin.station_id.in_({station_id, MAIN_STATION}))
    if plugin_id is not None:
        wanted = wanted.where(StationPlugin.plugin_id == plugin_id)
    with main_scope(reason=REASON):
        rows = [_row(found) for found in db.session.scalars(wanted.order_by(StationPlugin.account))]
    return {
        name: AccountRows(
            {r.account: r for r in rows if (r.station_id, r.plugin_id) == (station_id, name)},
            {r.account: r for r in rows if (r.station_id, r.plugin_id) == (MAIN_STATION, name)},
        )
        for name in {row.plugin_id for row in rows}
    }


def read_pairs(station_id: int, plugin_id: str | None = None) -> dict[str, RowPair]:
    """The rows of the first accounts, by plugin."""
    return {name: rows.first for name, rows in read_accounts(station_id, plugin_id).items()}


def all_rows() -> list[PluginRow]:
    """Every row of every station, in order."""
    with main_scope(reason=REASON):
        found = db.session.scalars(
            select(StationPlugin).order_by(
                StationPlugin.station_id, StationPlugin.plugin_id, StationPlugin.account
            )
        )
        return [_row(row) for row in found]


def row_of_token(plugin_id: str, token: str) -> tuple[int, str] | None:
    """Whose notices arrive under this token: station and account; remembered."""
    return _tokens.recall((plugin_id, token), lambda: _owner_of(plugin_id, token))


def _owner_of(plugin_id: str, token: str) -> tuple[int, str] | None:
    with main_scope(reason="plugin callback"):
        found = db.session.execute(
            select(StationPlugin.station_id, StationPlugin.account).where(
                StationPlugin.token == token, StationPlugin.plugin_id == plugin_id
            )
        ).first()
    return (found[0], found[1]) if found else None


def enabled_accounts() -> list[tuple[int, str, str]]:
    """(station, plugin, account) of every switched-on row with values of its own, in order."""
    with main_scope(reason="plugin health"):
        found = db.session.execute(
            select(StationPlugin.station_id, StationPlugin.plugin_id, StationPlugin.account)
            .where(StationPlugin.enabled, StationPlugin.config_version > 0)
            .order_by(StationPlugin.plugin_id, StationPlugin.station_id, StationPlugin.account)
        )
        return [(station_id, plugin_id, account) for station_id, plugin_id, account in found]


def ensure_row(station_id: int, plugin_id: str, account: str = "", *, enabled: bool) -> str:
    """Make the first account's row when missing, with ``enabled`` and no values; returns a token.

    "" when another account does not exist.
    """
    known = known_rows(station_id, plugin_id).own.get(account)
    if known is not None:
        return known.token
    with main_scope(reason=REASON):
        made = not account and insert_missing(station_id, plugin_id, enabled=enabled)
        token = db.session.scalar(
            select(StationPlugin.token).where(*_key(station_id, plugin_id, account))
        )
        db.session.commit()
    if made:
        epoch.renew()
    return token or ""


def read_health(station_id: int, plugin_id: str, account: str = "") -> Mapping[str, Any] | None:
    """The latest report as it stands now; None without a row."""
    with main_scope(reason="plugin health"):
        return db.session.scalar(
            select(StationPlugin.health).where(*_key(station_id, plugin_id, account))
        )


def lock_row(
    station_id: int, plugin_id: str, account: str = "", *, enabled: bool
) -> StationPlugin | None:
    """The mapped row, locked; the first account's is made when missing. Inside a main scope."""
    if not account:
        insert_missing(station_id, plugin_id, enabled=enabled)
    return db.session.scalars(
        select(StationPlugin).where(*_key(station_id, plugin_id, account)).with_for_update()
    ).one_or_none()


# What still needs an account: payments not settled, money not given back, payouts not through.
_IN_USE = text("""
SELECT EXISTS (SELECT 1 FROM payment_attempt WHERE account_station_id = :station
         AND plugin_id = :plugin AND account = :account
         AND (next_query_at IS NOT NULL OR cashier ? 'details' AND expires_at > now())
         AND state IN ('created', 'sent', 'unknown'))
    OR EXISTS (SELECT 1 FROM refund r JOIN payment_attempt a
         ON a.station_id = r.station_id AND a.id = r.attempt_id
         WHERE a.account_station_id = :station AND a.plugin_id = :plugin AND a.account = :account
         AND r.state <> 'succeeded')
    OR EXISTS (SELECT 1 FROM withdrawal WHERE :station = 1 AND plugin_id = :plugin
         AND account = :account AND state IN ('created', 'sent', 'unknown'))
""")


def in_use(station_id: int, plugin_id: str, account: str) -> bool:
    """Whether something open would lose its way to the gateway without this account."""
    values = {"station": station_id, "plugin": plugin_id, "account": account}
    return bool(db.session.scalar(_IN_USE, values))


def write_health(
    station_id: int, plugin_id: str, health: Mapping[str, Any], account: str = ""
) -> None:
    """Keep the latest report beside the row, if there is one."""
    with main_scope(reason="plugin health"):
        db.session.execute(
            update(StationPlugin)
            .where(*_key(station_id, plugin_id, account))
            .values(health={**health, "at": datetime.now(UTC).isoformat(timespec="seconds")})
        )
        db.session.commit()


def audit(
    station_id: int, actor: str, action: str, plugin_id: str, detail: object, account: str = ""
) -> None:
    """An append-only line in the session's transaction; names of fields, never their values."""
    db.session.execute(
        text(
            "INSERT INTO audit_event(station_id, actor, action, subject, detail)"
            " VALUES (:station, :actor, :action, :subject, CAST(:detail AS jsonb))"
        ),
        {
            "station": station_id, "actor": actor, "action": action,
            "subject": f"plugin:{plugin_id}" + (f":{account}" if account else ""),
            "detail": json.dumps(detail),
        },
    )  # fmt: skip


def insert_missing(station_id: int, plugin_id: str, account: str = "", *, enabled: bool) -> bool:
    """Make a row without values, in the open transaction; False when it is there already."""
    made = db.session.execute(
        insert(StationPlugin)
        .values(
            station_id=station_id, plugin_id=plugin_id, account=account, enabled=enabled, config={},
            secrets_meta={}, config_version=0, token=secrets.token_urlsafe(TOKEN_BYTES),
            health={}, updated_at=datetime.now(UTC),
        )
        .on_conflict_do_nothing(index_elements=["station_id", "plugin_id", "account"])
        .returning(StationPlugin.station_id)
    )  # fmt: skip
    return made.first() is not None


def _key(station_id: int, plugin_id: str, account: str) -> tuple[ColumnElement[bool], ...]:
    return (
        StationPlugin.station_id == station_id, StationPlugin.plugin_id == plugin_id,
        StationPlugin.account == account,
    )  # fmt: skip


def _row(found: StationPlugin) -> PluginRow:
    return PluginRow(
        found.station_id, found.plugin_id, found.enabled, found.config, found.secrets,
        found.secrets_meta, found.config_version, found.token, found.health, found.updated_at,
        found.account,
    )  # fmt: skip
