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

from .account import KasushouAccount
from .supplier import KasushouSupplier

FIELDS = (
    ConfigField(
        name="base_url", label="平台地址", kind="url", required=True, scope="main",
        help="不带 /api，例如 https://www.example.com",
    ),
    ConfigField(
        name="user_id", label="接口 appid（UserId）", required=True, scope="main",
        pattern=r"[0-9A-Za-z_-]{1,64}", help="在平台的用户中心查看，不是登录账号",
    ),
    ConfigField(
        name="key", label="接口密钥（apikey）", required=True, secret=True, scope="main",
        help="请求和通知都用它签名",
    ),
    ConfigField(
        name="low_balance", label="余额预警", kind="money", scope="main",
        help="预存余额低于此金额时，健康状态显示为降级；留空则不提醒",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="supplier-kasushou",
        kind=PluginKind.SUPPLIER,
        name="卡速售 2.0",
        version="0.1.0",
        api_version=(1, 2),
        description="对接卡速售 2.0 及同系统平台：同步商品，购买卡密和直充，查询、撤单、接收通知",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=("offers", "stock", "codes", "top_up", "query", "callback", "cancel"),
        restricted=True,
    )


@hookimpl
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:
    return (KasushouSupplier(KasushouAccount.from_config(config)),)


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask for the balance: proves address, appid and key without money."""
    try:
        KasushouSupplier(KasushouAccount.from_config(config)).balance(context)
    except PluginError as error:
        return [ConfigProblem(field="", message=str(error))]
    return []


@hookimpl
def kameng_health(config: PluginConfig, context: CallContext) -> HealthReport:
    """The balance as a fact; degraded when it is below the warning line."""
    try:
        account = KasushouAccount.from_config(config)
        balance = KasushouSupplier(account).balance(context)
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
    from .simulator import KasushouSimulator

    return [KasushouSimulator(environment)]
