"""The list of plugins as the console shows it: what is installed and how it stands at a station."""

from __future__ import annotations

from dataclasses import dataclass

from kameng.plugins.discovery import Plugin, PluginState
from kameng.plugins.effective import Effective
from kameng.plugins.host import MISCONFIGURED, current_host
from kameng.plugins.store import MAIN_STATION
from kameng_sdk.kit.finding import Installed, describe
from kameng_sdk.manifest import PluginKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """One line of the list. A faulty plugin has an id, a state and a reason, nothing more.

    ``own_values``: the station has a configuration of its own; otherwise the main station's
    counts. ``configurable``: this station may set something here. ``digest`` is SHA-256 over its
    files as they lie there now, ``version`` the distribution's when the plugin tells none.
    """

    id: str
    state: PluginState
    digest: str
    reason: str = ""
    kind: PluginKind | None = None
    name: str = ""
    version: str = ""
    api_version: str = ""
    description: str = ""
    author: str = ""
    homepage: str = ""
    distribution: str = ""
    capabilities: tuple[str, ...] = ()
    enabled: bool = False
    own_values: bool = False
    configurable: bool = False
    restricted: bool = False


def list_plugins(station_id: int = MAIN_STATION) -> list[PluginInfo]:
    """Every discovered plugin, faulty ones too, sorted by id."""
    host = current_host()
    sound = {plugin.id: settings for plugin, settings in host.all_settings(station_id)}
    return [
        _info(plugin, sound[plugin.id]) if plugin.id in sound else _faulty(plugin)
        for plugin in host.plugins.values()
    ]


def _faulty(plugin: Plugin) -> PluginInfo:
    state = plugin.fault or PluginState.QUARANTINED
    files = _files(plugin)
    return PluginInfo(
        id=plugin.id, state=state, reason=plugin.reason, distribution=plugin.distribution,
        digest=files.digest if files else "", version=files.version if files else "",
    )  # fmt: skip


def _info(plugin: Plugin, settings: Effective) -> PluginInfo:
    manifest, station = settings.manifest, settings.station_id
    state, reason = _state(settings)
    account = settings.account
    main = station == MAIN_STATION
    files = _files(plugin)
    return PluginInfo(
        id=plugin.id, state=state, digest=files.digest if files else "",
        api_version=".".join(str(part) for part in manifest.api_version), reason=reason,
        kind=manifest.kind, name=manifest.name,
        version=manifest.version, description=manifest.description, author=manifest.author,
        homepage=manifest.homepage, distribution=plugin.distribution,
        capabilities=manifest.capabilities, enabled=settings.enabled,
        own_values=account is not None and account.station_id == station and account.has_values,
        configurable=main or (
            not manifest.restricted
            and any(declared.scope == "station" for declared in manifest.config_fields)
        ),
        restricted=manifest.restricted,
    )  # fmt: skip


def _files(plugin: Plugin) -> Installed | None:
    return describe(plugin.entry) if plugin.entry is not None else None


def _state(settings: Effective) -> tuple[PluginState, str]:
    if not settings.enabled:
        return PluginState.AVAILABLE, ""
    missing = settings.missing()
    if missing:
        return PluginState.MISCONFIGURED, "missing settings: " + ", ".join(missing)
    health = settings.account.health if settings.account else {}
    if health.get("status") == MISCONFIGURED:
        # What is wrong with the main station's account is not for the eyes of a station.
        own = settings.account_station_id == settings.station_id
        return PluginState.MISCONFIGURED, str(health.get("message", "")) if own else ""
    return PluginState.ENABLED, ""
