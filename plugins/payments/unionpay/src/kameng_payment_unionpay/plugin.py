"""The hooks: who this is, how it is configured, what it builds."""

from collections.abc import Sequence

from kameng_sdk.config import ConfigProblem, PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.errors import PluginError
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.payments import PaymentProvider
from kameng_sdk.simulators import Simulator, SimulatorEnvironment

from .account import FILES, GATEWAY, UnionpayAccount
from .certificates import UNIONPAY
from .provider import UnionpayProvider

FIELDS = (
    ConfigField(name="mer_id", label="商户代码", required=True, pattern=r"[0-9A-Za-z]{15}"),
    ConfigField(
        name="sign_key", label="商户签名私钥", kind="text", required=True, secret=True,
        help="PEM，不带密码。由银联下发的 pfx 证书导出，方法见说明",
    ),
    ConfigField(
        name="sign_cert", label="商户签名证书", kind="text", required=True,
        help="PEM，和私钥同一个 pfx 导出；证书序列号就是 certId",
    ),
    ConfigField(
        name="root_cert", label="银联根证书", kind="text",
        help="PEM，acp_prod_root.cer。和中级证书一起验证银联随报文发来的证书",
    ),
    ConfigField(
        name="middle_cert", label="银联中级证书", kind="text", help="PEM，acp_prod_middle.cer",
    ),
    ConfigField(
        name="unionpay_cert", label="银联验签证书", kind="text",
        help="PEM，可以放多张。只信任这里的证书时，根证书和中级证书可以留空",
    ),
    ConfigField(
        name="signer", label="验签证书的持有人", default=UNIONPAY,
        help="银联测试环境填 00040000:SIGN",
    ),
    ConfigField(
        name="gateway_url", label="网关地址", kind="url", default=GATEWAY,
        help="测试环境：https://gateway.test.95516.com",
    ),
    ConfigField(
        name="file_url", label="对账文件地址", kind="url", default=FILES,
        help="测试环境：https://filedownload.test.95516.com",
    ),
    ConfigField(
        name="fee_bp", label="手续费（万分之）", kind="int", default=0, help="60 就是 0.6%",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="payment-unionpay",
        kind=PluginKind.PAYMENT,
        name="银联",
        version="0.1.0",
        api_version=(1, 1),
        description="对接银联在线网关（5.1.0）：跳转付款、后台通知、查询、退款、对账文件",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=("redirect", "query", "refund", "webhook", "bill"),
    )


@hookimpl
def kameng_payment_providers(config: PluginConfig) -> Sequence[PaymentProvider]:
    return [UnionpayProvider(UnionpayAccount.from_config(config))]


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask about an order that does not exist: proves address, merchant and keys."""
    try:
        problem = UnionpayProvider(UnionpayAccount.from_config(config)).check(context)
    except PluginError as error:
        problem = str(error)
    return [ConfigProblem(field="", message=problem)] if problem else []


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    # Only a host that runs simulators pays for importing one.
    from .simulator import UnionpaySimulator

    return [UnionpaySimulator(environment)]
