"""The host of one process: the discovered plugins and the objects built so far."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint
from typing import TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask
from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.plugins.addresses import PORTS
from kameng.plugins.allowing import read_allow_list
from kameng.plugins.building import BuildFailed, Built, build
from kameng.plugins.discovery import Plugin, PluginState, discover
from kameng.plugins.effective import Effective, Version, at_account, effective, every_account
from kameng.plugins.sealing import Sealer
from kameng.plugins.store import (
    MAIN_STATION,
    AccountRows,
    RowPair,
    known_accounts,
    known_rows,
    read_health,
    read_pairs,
    write_health,
)
from kameng.runtime import current_settings, extensions
from kameng.settings import Settings
from kameng_sdk.manifest import PluginKind, PluginManifest

EXTENSION = "kameng_plugins"
MISCONFIGURED = "misconfigured"

B = TypeVar("B")

_discovering = threading.Lock()


class PluginUnavailable(DomainError, LookupError):
    """A plugin cannot be used here: unknown, faulty, switched off or misconfigured.

    Where a page does not catch it, people read that the service is not there at the moment; the
    reason is for staff and the log.
    """

    default_status = 503

    def __init__(self, plugin_id: str, state: PluginState | None, reason: str) -> None:
        super().__init__("plugin_unavailable", _l("服务暂时不可用"))
        self.plugin_id = plugin_id
        self.state = state
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.plugin_id}: {self.reason}"


class MainOnly(PluginUnavailable):
    """A station tried to set what only the main station sets."""

    default_status = 403

    def __init__(self, plugin_id: str) -> None:
        super().__init__(plugin_id, None, "only the main station sets this plugin")
        self.code, self.message = "main_only", _l("该项只能由主站设置")


class PluginHost:
    """Thread-safe; objects are rebuilt when the stored configuration has another version."""

    def __init__(self, settings: Settings, found: Iterable[EntryPoint] | None = None) -> None:
        denied = [name.strip() for name in settings.plugins_deny.split(",") if name.strip()]
        allowed = read_allow_list(settings.plugins_allow)
        self.plugins: dict[str, Plugin] = discover(denied, found, allowed=allowed)
        self.exempt = simulator_address(settings)
        self._settings = settings
        self._sealer: Sealer | None = None
        self._built: dict[tuple[str, int, str], tuple[Version, tuple[Built, ...]]] = {}
        self._bound: dict[tuple[str, int, str, int], tuple[Version, tuple[Built, ...]]] = {}
        self._lock = threading.Lock()

    @property
    def sealer(self) -> Sealer:
        """Made when first needed: a process without secrets runs without a master key."""
        if self._sealer is None:
            self._sealer = Sealer(self._settings)
        return self._sealer

    def sound(self, plugin_id: str) -> tuple[Plugin, PluginManifest]:
        """A plugin that may be called; raises `PluginUnavailable`."""
        plugin = self.plugins.get(plugin_id)
        if plugin is None:
            raise PluginUnavailable(plugin_id, None, "not installed")
        if plugin.manifest is None:
            raise PluginUnavailable(plugin_id, plugin.fault, plugin.reason)
        return plugin, plugin.manifest

    def settings_of(
        self, station_id: int, plugin_id: str, account: str = "", holder: int | None = None
    ) -> Effective:
        """What counts for one plugin at one station.

        With ``account`` or ``holder`` it is that very account: the station's own unless
        ``holder`` is the main station. Raises `PluginUnavailable` when there is none.
        """
        _plugin, manifest = self.sound(plugin_id)
        rows = known_rows(station_id, plugin_id)
        if holder is None and not account:
            return effective(manifest, station_id, rows.first)
        whose = station_id if holder is None else holder
        found = at_account(manifest, station_id, rows, whose, account)
        if found is None:
            raise PluginUnavailable(plugin_id, None, f"station {whose} has no account {account!r}")
        return found

    def all_accounts(
        self, station_id: int, *, kind: PluginKind, main_only: bool = False
    ) -> list[tuple[Plugin, Effective]]:
        """Every account a station uses, of every sound plugin of a kind, sorted by plugin."""
        rows = known_accounts(station_id)
        return [
            (plugin, settings)
            for plugin in self.plugins.values()
            if plugin.manifest is not None and plugin.manifest.kind is kind
            for settings in every_account(
                plugin.manifest, station_id, rows.get(plugin.id, AccountRows()),
                main_only=main_only,
            )
        ]  # fmt: skip

    def all_settings(self, station_id: int) -> list[tuple[Plugin, Effective]]:
        """The same for every sound plugin, in one query, sorted by id."""
        pairs = read_pairs(station_id)
        return [
            (plugin, effective(plugin.manifest, station_id, pairs.get(plugin.id, RowPair())))
            for plugin in self.plugins.values()
            if plugin.manifest is not None
        ]

    def broken_but_on(self, prefix: str) -> list[str]:
        """Ids of faulty plugins that the main station has switched on and nobody has denied."""
        faulty = [
            plugin.id
            for plugin in self.plugins.values()
            if plugin.fault is not None and plugin.id.startswith(prefix) and not plugin.denied
        ]
        pairs = read_pairs(MAIN_STATION) if faulty else {}
        rows = {plugin_id: pairs.get(plugin_id, RowPair()).main for plugin_id in faulty}
        return [plugin_id for plugin_id, row in rows.items() if row is not None and row.enabled]

    def objects(self, plugin: Plugin, settings: Effective, kind: type[B]) -> list[B]:
        """Bound objects, cached per plugin, account and version; raises `PluginUnavailable`."""
        key = (plugin.id, settings.account_station_id, settings.account_name)
        with self._lock:
            known = self._built.get(key)
        if known is None or known[0] != settings.version:
            known = (settings.version, self._build(plugin, settings))
            with self._lock:
                self._built[key] = known
        return [
            built for built in self._of_station(key, known, settings) if isinstance(built, kind)
        ]

    def _of_station(
        self, key: tuple[str, int, str], known: tuple[Version, tuple[Built, ...]],
        settings: Effective,
    ) -> tuple[Built, ...]:  # fmt: skip
        """The same with the station put in: they are shared by all stations on one account."""
        version, shared = known
        bound = self._bound.get((*key, settings.station_id))
        if bound is None or bound[0] != version:
            tell = partial(self.note_misconfigured, settings)
            bound = (
                version,
                tuple(
                    replace(
                        built,
                        station_id=settings.station_id,
                        line=replace(built.line, on_misconfigured=tell),
                    )
                    for built in shared
                ),
            )
            self._bound[*key, settings.station_id] = bound
        return bound[1]

    def _build(self, plugin: Plugin, settings: Effective) -> tuple[Built, ...]:
        try:
            built = build(plugin, settings, self.sealer, self.exempt)
        except BuildFailed as error:
            self.note_misconfigured(settings, str(error))
            raise PluginUnavailable(plugin.id, PluginState.MISCONFIGURED, str(error)) from None
        row = settings.account
        if row and row.health.get("status") == MISCONFIGURED:
            write_health(row.station_id, row.plugin_id, {}, row.account)
        return built

    def note_misconfigured(self, settings: Effective, reason: str) -> None:
        """Show it in the console; written only when it is news."""
        row = settings.account
        report = {"status": MISCONFIGURED, "message": reason}
        if row is None:
            return
        health = read_health(row.station_id, row.plugin_id, row.account) or {}
        if any(health.get(name) != value for name, value in report.items()):
            write_health(row.station_id, row.plugin_id, report, row.account)


def init_plugins(
    app: Flask, settings: Settings, found: Iterable[EntryPoint] | None = None
) -> PluginHost:
    """Discover the plugins now and attach the host to the app; ``found`` is for tests."""
    host = PluginHost(settings, found)
    app.extensions[EXTENSION] = host
    return host


def current_host() -> PluginHost:
    """The host of the current app; discovers the plugins when it is first asked for."""
    known = extensions()
    host = known.get(EXTENSION)
    if host is None:
        with _discovering:
            if EXTENSION not in known:
                known[EXTENSION] = PluginHost(current_settings())
        host = known[EXTENSION]
    return cast(PluginHost, host)


def simulator_address(settings: Settings) -> frozenset[tuple[str, int]]:
    """(host, port) that may be reached though it is private: the simulators' of a demo."""
    if not settings.demo or not settings.simulator_url:
        return frozenset()
    parts = urlsplit(settings.simulator_url)
    return frozenset({(parts.hostname or "", parts.port or PORTS.get(parts.scheme, 80))})
