"""The hooks: who this is, how it is configured, what it builds."""

from collections.abc import Sequence

from kameng_sdk.config import ConfigProblem, PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.errors import PluginError
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.payments import PaymentProvider
from kameng_sdk.simulators import Simulator, SimulatorEnvironment

from .account import WechatAccount
from .provider import WechatProvider

FIELDS = (
    ConfigField(name="mchid", label="商户号", required=True, pattern=r"[0-9]{6,32}"),
    ConfigField(
        name="appid", label="AppID", required=True, pattern=r"[0-9A-Za-z]{8,32}",
        help="和商户号绑定的公众号，例如 wx8888888888888888",
    ),
    ConfigField(
        name="api_v3_key", label="APIv3 密钥", required=True, secret=True,
        pattern=r"[0-9A-Za-z]{32}", help="32 位，在商户平台“账户中心 → API 安全”设置",
    ),
    ConfigField(
        name="merchant_serial", label="商户证书序列号", required=True,
        pattern=r"[0-9A-Fa-f]{8,64}",
    ),
    ConfigField(
        name="merchant_private_key", label="商户私钥", kind="text", required=True, secret=True,
        help="apiclient_key.pem 的内容",
    ),
    ConfigField(
        name="public_key_id", label="微信支付公钥 ID", pattern=r"PUB_KEY_ID_[0-9A-Za-z]{1,64}",
        help="和公钥一起填；公钥和平台证书至少有一种，切换期间两种都填",
    ),
    ConfigField(
        name="public_key", label="微信支付公钥", kind="text", help="pub_key.pem 的内容",
    ),
    ConfigField(
        name="platform_certificates", label="微信支付平台证书", kind="text",
        help="PEM 格式，可以贴多张；序列号从证书里读出",
    ),
    ConfigField(
        name="app_secret", label="AppSecret", secret=True,
        help="公众号的密钥；填了才能在微信里直接付款",
    ),
    ConfigField(
        name="gateway_url", label="接口地址", kind="url",
        help="留空就是微信支付；用模拟器时才填",
    ),
    ConfigField(
        name="fee_bp", label="手续费（万分之）", kind="int", default=0, help="60 就是 0.6%",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="payment-wechatpay",
        kind=PluginKind.PAYMENT,
        name="微信支付",
        version="0.1.0",
        api_version=(1, 1),
        description="直连微信支付 API v3：扫码、手机网页和微信内付款，查询、部分退款、关单、对账单",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=("redirect", "qr", "identify", "query", "refund", "webhook", "bill"),
    )


@hookimpl
def kameng_payment_providers(config: PluginConfig) -> Sequence[PaymentProvider]:
    return [WechatProvider(WechatAccount.from_config(config))]


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask about an order that nobody made: proves numbers and keys of both sides."""
    try:
        problem = WechatProvider(WechatAccount.from_config(config)).check(context)
    except PluginError as error:
        problem = str(error)
    return [ConfigProblem(field="", message=problem)] if problem else []


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    # Only a host that runs simulators pays for importing one.
    from .simulator import WechatSimulator

    return [WechatSimulator(environment)]
