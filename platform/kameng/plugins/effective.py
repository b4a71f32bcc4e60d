"""Which settings count for a plugin at a station. Pure.

A station with values of its own uses its own account and switch. Without, it uses the main
station's account while both switches are on. Fields are never mixed one by one: a station that
chose the gateway's address would otherwise be sent requests signed with the main station's key.

One station may have several accounts at a gateway. With any of its own it collects for its orders
on those alone; what fills wallets, prepaid accounts and deposits always goes to the main station.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kameng.plugins.fields import missing_fields, typed_value
from kameng.plugins.sealing import Sealer
from kameng.plugins.store import MAIN_STATION, AccountRows, PluginRow, RowPair
from kameng_sdk.config import ConfigValue, PluginConfig
from kameng_sdk.manifest import PluginManifest

Version = tuple[int, datetime | None, int, datetime | None]


@dataclass(frozen=True, slots=True)
class Effective:
    """``account`` holds the values of station fields, ``main`` those of main fields."""

    manifest: PluginManifest
    station_id: int
    enabled: bool
    account: PluginRow | None
    main: PluginRow | None

    @property
    def account_station_id(self) -> int:
        """Whose account it is: the station's own or the main station's."""
        return self.account.station_id if self.account else MAIN_STATION

    @property
    def account_name(self) -> str:
        """Which of its accounts; "" is the first."""
        return self.account.account if self.account else ""

    @property
    def version(self) -> Version:
        """Changes whenever the configuration does."""
        return (*_version(self.account), *_version(self.main))

    def config(self, sealer: Sealer) -> PluginConfig:
        """The complete, typed configuration; raises `SealBroken`."""
        own, main = _secrets(self.account, sealer), _secrets(self.main, sealer)
        values: dict[str, ConfigValue] = {}
        for declared in self.manifest.config_fields:
            row, opened = (self.main, main) if declared.scope == "main" else (self.account, own)
            stored = row.config.get(declared.name) if row else None
            values[declared.name] = typed_value(declared, stored, opened.get(declared.name))
        return PluginConfig(values)

    def missing(self) -> list[str]:
        """Required fields without a value, told without opening any secret."""
        values: dict[str, ConfigValue] = {}
        for declared in self.manifest.config_fields:
            row = self.main if declared.scope == "main" else self.account
            kept = (row.secrets_meta if declared.secret else row.config) if row else {}
            values[declared.name] = "set" if kept.get(declared.name) is not None else None
            if values[declared.name] is None and declared.default is not None:
                values[declared.name] = "default"
        return missing_fields(self.manifest, values)


def effective(manifest: PluginManifest, station_id: int, rows: RowPair) -> Effective:
    """Decide switch and account of one plugin at one station."""
    main_on = rows.main.enabled if rows.main else manifest.on_by_default
    if station_id == MAIN_STATION or manifest.restricted:
        return Effective(manifest, station_id, main_on, rows.main, rows.main)
    if rows.own is not None and rows.own.has_values:
        return Effective(manifest, station_id, rows.own.enabled, rows.own, rows.main)
    enabled = main_on and (rows.own is None or rows.own.enabled)
    return Effective(manifest, station_id, enabled, rows.main, rows.main)


def every_account(
    manifest: PluginManifest, station_id: int, rows: AccountRows, *, main_only: bool = False
) -> list[Effective]:
    """Every account that collects at a station, the first one first; some may be switched off.

    ``main_only``: for what the main station alone may hold, whoever's orders go elsewhere.
    """
    own = [row for row in rows.own.values() if row.has_values]
    apart = station_id != MAIN_STATION and not manifest.restricted
    if own and apart and not main_only:
        first = rows.main.get("")
        return [Effective(manifest, station_id, row.enabled, row, first) for row in own]
    here = rows.own.get("") if apart else None
    switch = here is None or here.has_values or here.enabled
    main = {"": rows.main.get("")} | dict(rows.main)
    return [
        Effective(
            manifest, station_id, switch and (row.enabled if row else manifest.on_by_default),
            row, row,
        )
        for name, row in main.items()
        if not name or (row is not None and row.has_values)
    ]  # fmt: skip


def at_account(
    manifest: PluginManifest, station_id: int, rows: AccountRows, holder: int, account: str
) -> Effective | None:
    """One account by its name, whatever the station uses today; None when there is none."""
    if holder == MAIN_STATION:
        row = rows.main.get(account)
        if row is None and account:
            return None
        return Effective(
            manifest, station_id, row.enabled if row else manifest.on_by_default, row, row
        )
    row = rows.own.get(account)
    if row is None or holder != station_id:
        return None
    return Effective(manifest, station_id, row.enabled, row, rows.main.get(""))


def _version(row: PluginRow | None) -> tuple[int, datetime | None]:
    return (row.config_version, row.updated_at) if row else (0, None)


def _secrets(row: PluginRow | None, sealer: Sealer) -> dict[str, str]:
    if row is None or not row.sealed:
        return {}
    return sealer.open(row.station_id, row.plugin_id, row.sealed, row.account)
