"""Plugins as the rest of the product sees them. Needs an app context; opens its own scopes.

Everything here may be called inside a station's scope, but not the methods of the objects it
returns: those refuse to run while the open scope holds a transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from kameng import epoch
from kameng.plugins.accounts import AccountInfo, add_account, list_accounts, remove_account
from kameng.plugins.bound_payments import BoundProvider
from kameng.plugins.bound_risk import BoundRule, RuleFailed, broken_rule
from kameng.plugins.bound_suppliers import BoundSupplier
from kameng.plugins.catalogue import PluginInfo, list_plugins
from kameng.plugins.configuration import (
    ConfigForm,
    FormField,
    clear_secret,
    config_form,
    configure,
    explain,
    reseal_all,
    set_enabled,
    use_main_account,
)
from kameng.plugins.discovery import PluginState
from kameng.plugins.effective import Effective
from kameng.plugins.fields import ConfigInvalid
from kameng.plugins.host import PluginHost, PluginUnavailable, current_host, init_plugins
from kameng.plugins.invoke import Answer, InTransaction
from kameng.plugins.outward import judge_address, outward_client
from kameng.plugins.releases import (
    MAX_REPORT_BYTES,
    Release,
    attach_report,
    releases,
    review_release,
    standing,
    submit_release,
)
from kameng.plugins.sealing import SealBroken
from kameng.plugins.store import MAIN_STATION, ensure_row, row_of_token
from kameng.plugins.upkeep import check_config, observe, run_all_health, run_health, simulators
from kameng_sdk.manifest import PluginKind
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentCapability, PaymentMethod

B = TypeVar("B")
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")

__all__ = [
    "MAIN_STATION", "MAX_REPORT_BYTES", "AccountInfo", "Answer", "BoundProvider", "BoundRule",
    "BoundSupplier", "ConfigForm", "ConfigInvalid", "FormField", "InTransaction", "OfferedMethod",
    "PluginHost", "PluginInfo", "PluginState", "PluginUnavailable", "Release", "RuleFailed",
    "SealBroken", "account_station", "add_account", "attach_report", "check_config", "clear_secret",
    "config_form", "configure", "enabled_payment_methods", "explain", "hook_path", "init_plugins",
    "judge_address", "list_accounts", "list_plugins", "observe", "outward_client", "provider",
    "public_value", "releases", "remove_account", "reseal_all", "resolve_token", "review_release",
    "risk_rules", "run_all_health", "run_health", "seal", "set_enabled", "simulators", "standing",
    "submit_release", "supplier", "unseal", "use_main_account",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedMethod:
    """A way to pay that a station offers now; ``plugin_id`` and ``code`` name it."""

    plugin_id: str
    plugin_name: str
    code: str
    label: str
    icon: str
    minimum: Money | None
    maximum: Money | None
    fee_bp: int
    capabilities: PaymentCapability
    account_station_id: int
    account: str
    method: PaymentMethod


def provider(
    station_id: int, plugin_id: str, *, holder: int | None = None, account: str = "",
    switched_on: bool = False,
) -> BoundProvider:  # fmt: skip
    """The payment provider of a station; raises `PluginUnavailable`.

    ``holder`` and ``account`` are those of an attempt: what was begun at an account is asked and
    given back there, whatever the station uses today. Without them it is the first account that
    counts. Open attempts are queried, refunded and notified after the switch is off, so the
    switch counts only with ``switched_on`` (ask so before a new charge).
    """
    host = current_host()

    def read() -> tuple[bool, BoundProvider]:
        settings = host.settings_of(station_id, plugin_id, account, holder)
        return settings.enabled, _single(settings, BoundProvider, switched_on)

    key = host, station_id, plugin_id, holder, account
    enabled, bound = _providers.recall(key, read)
    if switched_on and not enabled:
        raise _switched_off(plugin_id)
    return bound


def supplier(plugin_id: str, account: str = "", *, switched_on: bool = False) -> BoundSupplier:
    """One account of the main station at a supplier; raises `PluginUnavailable`."""
    settings = current_host().settings_of(MAIN_STATION, plugin_id, account, MAIN_STATION)
    return _single(settings, BoundSupplier, switched_on)


def enabled_payment_methods(station_id: int, *, main_only: bool = False) -> list[OfferedMethod]:
    """Every method of every account in use here; one that cannot be built is left out and noted.

    ``main_only``: at the main station's accounts, for what stations may not collect themselves.
    """
    host, built = current_host(), list[OfferedMethod]()

    def read() -> Sequence[OfferedMethod] | None:
        bound, failed = _enabled(station_id, PluginKind.PAYMENT, BoundProvider, main_only)
        built.extend(_offered(bound))
        return None if failed else tuple(built)

    known = _methods.recall((host, station_id, main_only), read)
    return built if known is None else list(known)


def _offered(providers: Iterable[BoundProvider]) -> list[OfferedMethod]:
    return [
        OfferedMethod(
            plugin_id=bound.plugin_id, plugin_name=bound.name, code=method.code,
            label=method.label, icon=method.icon, minimum=method.minimum,
            maximum=method.maximum, fee_bp=method.fee_bp,
            capabilities=bound.capabilities, account_station_id=bound.account_station_id,
            account=bound.account, method=method,
        )
        for bound in providers
        for method in bound.methods
    ]  # fmt: skip


def risk_rules(station_id: int) -> list[BoundRule]:
    """All rules that watch a station. Count what they need, ask each, take the greatest.

    A rule that is on but broken is among them: it raises `RuleFailed`, and the stage decides.
    """
    host = current_host()
    rules, failed = _enabled(station_id, PluginKind.RISK, BoundRule)
    for plugin_id in host.broken_but_on(f"{PluginKind.RISK.value}-"):
        failed[plugin_id] = host.plugins[plugin_id].reason
    return rules + [broken_rule(name, station_id, reason) for name, reason in failed.items()]


def account_station(station_id: int, plugin_id: str) -> int:
    """Whose first account a station uses with a plugin: its own id, or the main station's."""
    return current_host().settings_of(station_id, plugin_id).account_station_id


def public_value(
    station_id: int, plugin_id: str, name: str, *, holder: int | None = None, account: str = ""
) -> object:
    """One setting that is no secret, of the account a station uses; None when it is not set."""
    row = current_host().settings_of(station_id, plugin_id, account, holder).account
    return row.config.get(name) if row else None


def hook_path(station_id: int, plugin_id: str, account: str = "") -> str:
    """Path of an account's callback address, ``/hooks/<plugin>/<token>``; made when missing.

    A charge names the address of the account that collects: ``station_id`` is its holder.
    """
    _plugin, manifest = current_host().sound(plugin_id)
    enabled = manifest.on_by_default if station_id == MAIN_STATION else True
    token = ensure_row(station_id, plugin_id, account, enabled=enabled)
    if not token:
        raise PluginUnavailable(plugin_id, None, f"no account {account!r}")
    return f"/hooks/{plugin_id}/{token}"


def resolve_token(plugin_id: str, token: str) -> tuple[int, str] | None:
    """The station and account a callback belongs to, or None for a token nobody was given.

    Under the main station's token also come notices about stations that use its account.
    """
    if not TOKEN.fullmatch(token):
        return None
    return row_of_token(plugin_id, token)


def seal(station_id: int, purpose: str, secrets: Mapping[str, str]) -> bytes:
    """Seal texts with the key of plugin secrets, bound to a station and a purpose."""
    return current_host().sealer.seal(station_id, purpose, secrets)


def unseal(station_id: int, purpose: str, sealed: bytes) -> dict[str, str]:
    """Open them; raises `SealBroken` for another master key, station or purpose."""
    return current_host().sealer.open(station_id, purpose, sealed)


def _switched_off(plugin_id: str) -> PluginUnavailable:
    return PluginUnavailable(plugin_id, PluginState.AVAILABLE, "switched off")


def _single(settings: Effective, kind: type[B], switched_on: bool) -> B:
    host, plugin_id = current_host(), settings.manifest.id
    plugin, _manifest = host.sound(plugin_id)
    if switched_on and not settings.enabled:
        raise _switched_off(plugin_id)
    found = host.objects(plugin, settings, kind)
    if not found:
        raise PluginUnavailable(plugin_id, None, f"gives no {kind.__name__}")
    return found[0]


_on: epoch.Memory[tuple[PluginHost, int, PluginKind, bool], Sequence[object] | None] = epoch.Memory(
    "kameng.plugins.on"
)
_providers: epoch.Memory[
    tuple[PluginHost, int, str, int | None, str], tuple[bool, BoundProvider]
] = epoch.Memory("kameng.plugins.providers")
_methods: epoch.Memory[tuple[PluginHost, int, bool], Sequence[OfferedMethod] | None] = epoch.Memory(
    "kameng.plugins.methods"
)


def _enabled(
    station_id: int, kind: PluginKind, wanted: type[B], main_only: bool = False
) -> tuple[list[B], dict[str, str]]:
    """Objects of what is switched on, and the reason for each plugin that gave none.

    Remembered where all gave some: it follows from rows that are remembered as well.
    """
    host, failed = current_host(), dict[str, str]()
    found: list[B] = []

    def read() -> Sequence[object] | None:
        found.extend(_built(host, station_id, kind, wanted, main_only, failed))
        return None if failed else tuple(found)

    known = _on.recall((host, station_id, kind, main_only), read)
    return (found, failed) if known is None else (list(cast(Sequence[B], known)), {})


def _built(
    host: PluginHost, station_id: int, kind: PluginKind, wanted: type[B], main_only: bool,
    failed: dict[str, str],
) -> Iterator[B]:  # fmt: skip
    for plugin, settings in host.all_accounts(station_id, kind=kind, main_only=main_only):
        if settings.enabled:
            try:
                yield from host.objects(plugin, settings, wanted)
            except PluginUnavailable as error:
                failed[plugin.id] = error.reason  # noted for the console by the host
