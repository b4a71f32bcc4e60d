"""Build a plugin's objects from a configuration, in its own thread, and read their declarations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kameng.plugins.bound import Bound, CodeFailed, expect, expect_text, run_quietly
from kameng.plugins.bound_payments import BoundProvider
from kameng.plugins.bound_risk import BoundRule
from kameng.plugins.bound_suppliers import BoundSupplier
from kameng.plugins.discovery import Plugin
from kameng.plugins.effective import Effective
from kameng.plugins.invoke import Line
from kameng.plugins.sealing import SealBroken, Sealer
from kameng_sdk import payments, suppliers
from kameng_sdk.config import PluginConfig
from kameng_sdk.manifest import PluginKind
from kameng_sdk.payments import Device, PaymentCapability, PaymentMethod
from kameng_sdk.risk import CounterNeed, RiskStage
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import SupplierCapability, SupplierRules

BUILD_S = 5.0

Built = BoundProvider | BoundSupplier | BoundRule


class BuildFailed(Exception):
    """The configuration does not make a usable object; the text is for staff."""


def build(
    plugin: Plugin, settings: Effective, sealer: Sealer, exempt: frozenset[tuple[str, int]]
) -> tuple[Built, ...]:
    """All objects of one plugin under one configuration; raises `BuildFailed`."""
    missing = settings.missing()
    if missing:
        raise BuildFailed("missing settings: " + ", ".join(missing))
    try:
        config = settings.config(sealer)
    except SealBroken:
        raise BuildFailed("the stored secrets cannot be opened with this master key") from None
    line = line_of(plugin, config, exempt)
    common = {
        "plugin_id": plugin.id,
        "name": settings.manifest.name,
        "station_id": settings.station_id,
        "account_station_id": settings.account_station_id,
        "config_version": settings.account.config_version if settings.account else 0,
        "line": line,
        "account": settings.account_name,
    }
    maker = _MAKERS[settings.manifest.kind]
    try:
        return run_quietly(line, "build", lambda: maker(plugin, config, common), BUILD_S)
    except CodeFailed as error:
        raise BuildFailed(str(error)) from None


def line_of(plugin: Plugin, config: PluginConfig, exempt: frozenset[tuple[str, int]]) -> Line:
    """The way to a plugin's code under one configuration."""
    hidden = tuple(value.reveal() for value in config.values() if isinstance(value, Secret))
    return Line(plugin_id=plugin.id, slots=plugin.slots, secrets=hidden, exempt=exempt)


def _objects(plugin: Plugin, hook: str, config: PluginConfig) -> list[Any]:
    if plugin.manager is None:
        raise ValueError("a faulty plugin builds nothing")
    answers = getattr(plugin.manager.hook, hook)(config=config)
    return [built for answer in answers for built in answer]


def _one(plugin: Plugin, hook: str, config: PluginConfig) -> Any:
    built = _objects(plugin, hook, config)
    if len(built) != 1:
        raise ValueError(f"{hook} gave {len(built)} objects instead of one")
    return built[0]


def _provider(plugin: Plugin, config: PluginConfig, common: Any) -> tuple[Built, ...]:
    provider = _one(plugin, "kameng_payment_providers", config)
    capabilities = provider.capabilities
    expect(capabilities, PaymentCapability)
    if not capabilities & payments.SETTLING:
        raise ValueError("declares no way to settle an unknown outcome")
    methods = tuple(provider.methods())
    for method in methods:
        expect(method, PaymentMethod)
        for text, most in ((method.code, 40), (method.label, 60), (method.icon, 60)):
            expect_text(text, most)
        expect_text(method.same_as, 40)
        expect(method.needs_payer, bool)
        expect(method.offline, bool)
        if not all(isinstance(device, Device) for device in method.devices):
            raise ValueError("a method for a device nobody knows")
    if len({method.code for method in methods}) != len(methods):
        raise ValueError("two methods have one code")
    return (BoundProvider(**common, capabilities=capabilities, methods=methods, provider=provider),)


def _supplier(plugin: Plugin, config: PluginConfig, common: Any) -> tuple[Built, ...]:
    supplier = _one(plugin, "kameng_suppliers", config)
    capabilities, rules = supplier.capabilities, supplier.rules
    expect(capabilities, SupplierCapability)
    expect(rules, SupplierRules)
    if not capabilities & suppliers.SETTLING:
        raise ValueError("declares no way to settle an unknown outcome")
    return (BoundSupplier(**common, capabilities=capabilities, rules=rules, supplier=supplier),)


def _rules(plugin: Plugin, config: PluginConfig, common: Any) -> tuple[Built, ...]:
    return tuple(_rule(rule, common) for rule in _objects(plugin, "kameng_risk_rules", config))


def _rule(rule: Any, common: Any) -> BoundRule:
    stages, needs = frozenset(rule.stages), tuple(rule.needs)
    for stage in stages:
        expect(stage, RiskStage)
    for need in needs:
        expect(need, CounterNeed)
    kinds: frozenset[str] | None = getattr(rule, "order_kinds", None)
    if kinds is not None:
        expect(kinds, frozenset)
    named = {**common, "name": f"{common['plugin_id']}:{rule.name}"}
    return BoundRule(**named, stages=stages, needs=needs, order_kinds=kinds, rule=rule)


def _nothing(_plugin: Plugin, _config: PluginConfig, _common: Any) -> tuple[Built, ...]:
    return ()


_MAKERS: dict[PluginKind, Callable[[Plugin, PluginConfig, Any], tuple[Built, ...]]] = {
    PluginKind.PAYMENT: _provider,
    PluginKind.SUPPLIER: _supplier,
    PluginKind.RISK: _rules,
    PluginKind.THEME: _nothing,
}

__all__ = ["Bound", "BuildFailed", "Built", "build", "line_of"]
