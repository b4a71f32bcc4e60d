"""The hooks: who this is, how it is configured, what it builds."""

from collections.abc import Sequence

from kameng_sdk.config import ConfigProblem, PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.errors import PluginError
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.payments import PaymentProvider
from kameng_sdk.simulators import Simulator, SimulatorEnvironment

from .account import AlipayAccount
from .provider import AlipayProvider

FIELDS = (
    ConfigField(
        name="app_id", label="应用 APPID", required=True, pattern=r"[0-9]{10,32}",
        help="开放平台控制台里的应用编号",
    ),
    ConfigField(
        name="seller_id", label="商户号（PID）", required=True, pattern=r"2088[0-9]{12}",
        help="以 2088 开头的 16 位数字；通知里的收款方必须是它",
    ),
    ConfigField(
        name="private_key", label="应用私钥", kind="text", required=True, secret=True,
        help="RSA2（2048 位）；PEM 或密钥工具给出的一行文字都可以",
    ),
    ConfigField(
        name="alipay_public_key", label="支付宝公钥", kind="text", required=True,
        help="不是应用公钥；证书模式填支付宝公钥证书（alipayCertPublicKey_RSA2.crt）的内容",
    ),
    ConfigField(
        name="app_cert", label="应用公钥证书", kind="text",
        help="证书模式才填（appCertPublicKey_….crt）；打款到支付宝必须用证书模式",
    ),
    ConfigField(
        name="alipay_root_cert", label="支付宝根证书", kind="text",
        help="证书模式才填（alipayRootCert.crt）",
    ),
    ConfigField(
        name="methods", label="付款方式", default="page,wap,qr",
        pattern=r"(page|wap|qr)(,(page|wap|qr)){0,2}",
        help="已签约的产品：page 电脑网站，wap 手机网站，qr 当面付扫码；排在前面的优先",
    ),
    ConfigField(
        name="fee_bp", label="手续费（万分之）", kind="int", default=0, help="60 就是 0.6%",
    ),
    ConfigField(name="sandbox", label="沙箱环境", kind="bool", help="用支付宝沙箱，不动真钱"),
    ConfigField(
        name="gateway_url", label="网关地址", kind="url",
        help="留空就是支付宝；只有接模拟器时才填，要写到 gateway.do",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="payment-alipay",
        kind=PluginKind.PAYMENT,
        name="支付宝",
        version="0.1.0",
        api_version=(1, 1),
        description="直连支付宝：电脑网站、手机网站、当面付扫码，退款、对账单、打款到支付宝",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=(
            "redirect", "qr", "query", "refund", "webhook", "bill", "payout",
            # Where a checkout form may end up: the gateway sends browsers on to its cashiers.
            "form-target:https://*.alipay.com", "form-target:https://*.alipaydev.com",
        ),
    )  # fmt: skip


@hookimpl
def kameng_payment_providers(config: PluginConfig) -> Sequence[PaymentProvider]:
    return [AlipayProvider(AlipayAccount.from_config(config))]


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask for a trade that does not exist: proves application and keys without money."""
    try:
        problem = AlipayProvider(AlipayAccount.from_config(config)).check(context)
    except PluginError as error:
        problem = str(error)
    return [ConfigProblem(field="", message=problem)] if problem else []


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    # Only a host that runs simulators pays for importing one.
    from .simulator import AlipaySimulator

    return [AlipaySimulator(environment)]
