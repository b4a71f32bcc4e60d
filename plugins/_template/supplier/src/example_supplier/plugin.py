"""Manifest, settings and hooks of the plugin."""

from __future__ import annotations

from collections.abc import Sequence

from example_supplier.client import Client
from example_supplier.simulator import ExampleSimulator
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.config import ConfigProblem, PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.errors import PluginError
from kameng_sdk.health import HealthReport, HealthStatus
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.simulators import Simulator, SimulatorEnvironment
from kameng_sdk.suppliers import Supplier

FIELDS = (
    ConfigField(name="base_url", label="接口地址", kind="url", required=True, scope="main"),
    ConfigField(name="account", label="账号", required=True, scope="main"),
    ConfigField(name="key", label="密钥", required=True, secret=True, scope="main"),
)


@hookimpl
def kameng_manifest() -> PluginManifest:
    """Who this is."""
    return PluginManifest(
        id="supplier-example",
        kind=PluginKind.SUPPLIER,
        name="示例供应商",
        version="0.1.0",
        api_version=(1, 2),
        description="通过 JSON 接口采购卡密与直充。",
        author="请填写作者",
        config_fields=FIELDS,
        capabilities=("purchase", "query", "balance", "webhook", "codes", "top_up"),
        restricted=True,
    )


@hookimpl
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:
    """The supplier of one account."""
    return (_supplier(config),)


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask for the balance: address, account and key must be right for that."""
    try:
        _supplier(config).balance(context)
    except PluginError as error:
        return [ConfigProblem(field="", message=str(error))]
    return ()


@hookimpl
def kameng_health(config: PluginConfig, context: CallContext) -> HealthReport:
    """Works while it tells our balance."""
    try:
        balance = _supplier(config).balance(context)
    except PluginError as error:
        return HealthReport(status=HealthStatus.DOWN, message=str(error))
    return HealthReport(status=HealthStatus.OK, facts={"余额": str(balance)})


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    """A stand-in that speaks the same protocol."""
    return (ExampleSimulator(environment),)


def _supplier(config: PluginConfig) -> ExampleSupplier:
    return ExampleSupplier(
        Client(config.text("base_url").rstrip("/"), config.text("account"), config.secret("key"))
    )
