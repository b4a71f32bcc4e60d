"""The hooks: who this is, how it is configured, what it builds."""

from collections.abc import Sequence

from kameng_sdk.config import ConfigProblem, PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.errors import PluginError
from kameng_sdk.health import HealthReport, HealthStatus
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.simulators import Simulator, SimulatorEnvironment
from kameng_sdk.suppliers import Supplier

from .account import KayixinAccount
from .supplier import KayixinSupplier

FIELDS = (
    ConfigField(
        name="base_url", label="平台地址", kind="url", required=True, scope="main",
        help="不带 /api，例如 https://www.example.com；接口的返回没有签名，请使用 https",
    ),
    ConfigField(
        name="app_id", label="客户编号（X-App-Id）", required=True, scope="main",
        pattern=r"[0-9A-Za-z_-]{1,64}",
    ),
    ConfigField(
        name="secret", label="接口密钥（appSecret）", required=True, secret=True, scope="main",
        help="32 位；请求、通知签名和通知里的卡密解密都用它",
    ),
    ConfigField(
        name="timestamp_unit", label="时间戳单位", kind="choice", default="s", scope="main",
        choices=(("s", "秒（10 位，官方文档）"), ("ms", "毫秒（13 位，部分平台）")),
        help="测试连接提示时间戳错误时，换另一种再试",
    ),
    ConfigField(
        name="empty_body", label="无参数请求的内容", kind="choice", default="nothing",
        choices=(("nothing", "空（官方文档）"), ("braces", "{}（部分平台）")), scope="main",
        help="测试连接提示签名错误，而编号和密钥无误时，换另一种再试",
    ),
    ConfigField(
        name="low_balance", label="余额预警", kind="money", scope="main",
        help="预存余额低于此金额时，健康状态显示为降级；留空则不提醒",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="supplier-kayixin",
        kind=PluginKind.SUPPLIER,
        name="卡易信 API 3.0",
        version="0.1.0",
        api_version=(1, 2),
        description="对接卡易信 API 3.0：同步商品和规格，购买卡券和直充，查询、退款、接收通知",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=("offers", "stock", "codes", "top_up", "query", "callback", "cancel"),
        restricted=True,
    )


@hookimpl
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:
    return (KayixinSupplier(KayixinAccount.from_config(config)),)


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask for the balance: proves address, number and secret without money."""
    try:
        KayixinSupplier(KayixinAccount.from_config(config)).balance(context)
    except PluginError as error:
        return [ConfigProblem(field="", message=str(error))]
    return []


@hookimpl
def kameng_health(config: PluginConfig, context: CallContext) -> HealthReport:
    """The balance as a fact; degraded when it is below the warning line."""
    try:
        account = KayixinAccount.from_config(config)
        balance = KayixinSupplier(account).balance(context)
    except PluginError as error:
        return HealthReport(status=HealthStatus.DOWN, message=str(error))
    low = balance < account.low_balance
    return HealthReport(
        status=HealthStatus.DEGRADED if low else HealthStatus.OK,
        message="预存余额低于预警金额" if low else "",
        facts={"余额": str(balance)},
    )


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    # Only a host that runs simulators pays for importing one.
    from .simulator import KayixinSimulator

    return [KayixinSimulator(environment)]
