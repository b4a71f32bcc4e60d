"""Manifest, settings and hooks of the plugin."""

from __future__ import annotations

from collections.abc import Sequence

from example_payment.client import Client
from example_payment.provider import ExampleProvider
from example_payment.simulator import ExampleSimulator
from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.errors import PluginError
from kameng_sdk.health import HealthReport, HealthStatus
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.payments import PaymentProvider
from kameng_sdk.simulators import Simulator, SimulatorEnvironment

FIELDS = (
    ConfigField(name="base_url", label="网关地址", kind="url", required=True),
    ConfigField(name="account", label="商户号", required=True),
    ConfigField(name="key", label="密钥", required=True, secret=True),
)


@hookimpl
def kameng_manifest() -> PluginManifest:
    """Who this is."""
    return PluginManifest(
        id="payment-example",
        kind=PluginKind.PAYMENT,
        name="示例支付",
        version="0.1.0",
        api_version=(1, 2),
        description="通过 JSON 接口收款、查询与退款。",
        author="请填写作者",
        config_fields=FIELDS,
        capabilities=("query", "refund", "webhook", "redirect"),
    )


@hookimpl
def kameng_payment_providers(config: PluginConfig) -> Sequence[PaymentProvider]:
    """The provider of one account."""
    return (_provider(config),)


@hookimpl
def kameng_health(config: PluginConfig, context: CallContext) -> HealthReport:
    """Works while it answers a question about a number that nobody has."""
    try:
        _provider(config).query(context, "0", "")
    except PluginError as error:
        return HealthReport(status=HealthStatus.DOWN, message=str(error))
    return HealthReport(status=HealthStatus.OK)


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    """A stand-in that speaks the same protocol."""
    return (ExampleSimulator(environment),)


def _provider(config: PluginConfig) -> ExampleProvider:
    return ExampleProvider(
        Client(config.text("base_url").rstrip("/"), config.text("account"), config.secret("key"))
    )
