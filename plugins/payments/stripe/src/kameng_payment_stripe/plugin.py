"""The hooks: who this is, how it is configured, what it builds."""

from collections.abc import Sequence

from kameng_sdk.config import ConfigProblem, PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.errors import PluginError
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.payments import PaymentProvider
from kameng_sdk.simulators import Simulator, SimulatorEnvironment

from .account import StripeAccount

FIELDS = (
    ConfigField(
        name="secret_key", label="密钥", required=True, secret=True,
        help="sk_live_… 收真钱，sk_test_… 测试；只给 Checkout、退款和读余额流水权限的 rk_… 更好",
    ),
    ConfigField(
        name="webhook_secret", label="Webhook 签名密钥", required=True, secret=True,
        help="whsec_…，在 Stripe 后台添加通知地址后得到",
    ),
    ConfigField(
        name="gateway_url", label="接口地址", kind="url", help="留空就是 Stripe；用模拟器时才填",
    ),
    ConfigField(
        name="fee_bp", label="手续费（万分之）", kind="int", default=0, help="290 就是 2.9%",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="payment-stripe",
        kind=PluginKind.PAYMENT,
        name="Stripe",
        version="0.1.0",
        api_version=(1, 1),
        description="用 Stripe Checkout 收人民币：银行卡和国际钱包，可查询、部分退款、关单、对账",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=("redirect", "query", "refund", "webhook", "test_mode", "bill"),
    )


@hookimpl
def kameng_payment_providers(config: PluginConfig) -> Sequence[PaymentProvider]:
    # Only a shop that sells by Stripe pays for its client: seven megabytes in each process.
    from .provider import StripeProvider

    return [StripeProvider(StripeAccount.from_config(config))]


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Read the account's balance: proves address and key without moving money."""
    from .provider import StripeProvider

    try:
        StripeProvider(StripeAccount.from_config(config)).check(context)
    except PluginError as error:
        return [ConfigProblem(field="", message=str(error))]
    return []


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    # Only a host that runs simulators pays for importing one.
    from .simulator import StripeSimulator

    return [StripeSimulator(environment)]
