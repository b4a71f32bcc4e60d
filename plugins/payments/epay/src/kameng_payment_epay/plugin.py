"""The hooks: who this is, how it is configured, what it builds."""

from collections.abc import Sequence

from kameng_sdk.config import ConfigProblem, PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.errors import PluginError
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.payments import PaymentProvider
from kameng_sdk.simulators import Simulator, SimulatorEnvironment

from .account import EpayAccount
from .provider import EpayProvider

FIELDS = (
    ConfigField(
        name="gateway_url", label="网关地址", kind="url", required=True,
        help="不带 submit.php，例如 https://pay.example.com",
    ),
    ConfigField(
        name="version", label="接口版本", kind="choice", required=True, default="v2",
        choices=(("v2", "V2（RSA 签名，推荐）"), ("v1", "V1（MD5 签名）")),
        help="V1 的通知没有时间戳，也不能部分退款；网关支持时请用 V2",
    ),
    ConfigField(name="pid", label="商户号", required=True, pattern=r"[0-9A-Za-z_-]{1,32}"),
    ConfigField(name="key", label="商户密钥", secret=True, help="V1 必填"),
    ConfigField(
        name="merchant_private_key", label="商户私钥", kind="text", secret=True, help="V2 必填",
    ),
    ConfigField(name="platform_public_key", label="平台公钥", kind="text", help="V2 必填"),
    ConfigField(
        name="sign_type", label="V2 签名类型", kind="choice", default="RSA",
        choices=(("RSA", "RSA"), ("RSA2", "RSA2"), ("SHA256WithRSA", "SHA256WithRSA")),
        help="算法都是 SHA256WithRSA，各网关的写法不同",
    ),
    ConfigField(
        name="methods", label="付款方式", default="alipay,wxpay",
        pattern=r"[a-z0-9]{2,16}(,[a-z0-9]{2,16}){0,9}", help="用逗号隔开，例如 alipay,wxpay,bank",
    ),
    ConfigField(
        name="fee_bp", label="手续费（万分之）", kind="int", default=0, help="60 就是 0.6%",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="payment-epay",
        kind=PluginKind.PAYMENT,
        name="易支付",
        version="0.1.0",
        api_version=(1, 4),
        description="对接易支付 V1（MD5）和 V2（RSA）网关：跳转付款、查询、退款、关单",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=("redirect", "qr", "query", "refund", "webhook"),
    )


@hookimpl
def kameng_payment_providers(config: PluginConfig) -> Sequence[PaymentProvider]:
    return [EpayProvider(EpayAccount.from_config(config))]


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask the gateway who we are: proves address, merchant number and keys without money."""
    try:
        problem = EpayProvider(EpayAccount.from_config(config)).check(context)
    except PluginError as error:
        problem = str(error)
    return [ConfigProblem(field="", message=problem)] if problem else []


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    # Only a host that runs simulators pays for importing one.
    from .simulator import EpaySimulator

    return [EpaySimulator(environment)]
