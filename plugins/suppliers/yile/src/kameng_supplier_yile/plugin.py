"""The hooks: who this is, how it is configured, what it builds."""

from collections.abc import Sequence

from kameng_sdk.config import ConfigProblem, PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.errors import PluginError
from kameng_sdk.health import HealthReport, HealthStatus
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.money import Money
from kameng_sdk.simulators import Simulator, SimulatorEnvironment
from kameng_sdk.suppliers import Supplier

from .account import COMMUNITY, SUP, YileAccount
from .supplier import YileSupplier

FIELDS = (
    ConfigField(
        name="base_url", label="接口地址", kind="url", required=True, scope="main",
        help="社区版例如 http://站点域名.api.yilesup.net，SUP 版填站点地址；要先在对方加 IP 白名单",
    ),
    ConfigField(
        name="flavour", label="接口类型", kind="choice", required=True, default=COMMUNITY,
        scope="main",
        choices=((COMMUNITY, "亿乐社区（表单，MD5）"), (SUP, "亿乐 SUP（JSON，SHA-1）")),
        help="两种接口都没有自有单号：下单后没收到回答的采购只能到对方后台人工核对",
    ),
    ConfigField(
        name="app_id", label="TokenID / AppID", required=True, scope="main",
        pattern=r"[0-9A-Za-z_-]{1,64}",
    ),
    ConfigField(name="secret", label="密钥", required=True, secret=True, scope="main"),
    ConfigField(
        name="low_balance", label="余额提醒", kind="money", scope="main",
        default=Money.from_fen(10_000),
        help="SUP 版余额低于这个数时显示为异常；社区版接口查不到余额",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="supplier-yile",
        kind=PluginKind.SUPPLIER,
        name="亿乐",
        version="0.1.0",
        api_version=(1, 2),
        description="对接亿乐社区和亿乐 SUP：同步商品、下单、查询；没有自有单号和回调",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=("offers", "codes", "top_up", "query"),
        restricted=True,
    )


@hookimpl
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:
    return (YileSupplier(YileAccount.from_config(config)),)


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask for the balance (SUP) or the list of goods: proves address, account and key."""
    try:
        YileSupplier(YileAccount.from_config(config)).reach(context)
    except PluginError as error:
        return [ConfigProblem(field="", message=str(error))]
    return []


@hookimpl
def kameng_health(config: PluginConfig, context: CallContext) -> HealthReport:
    """The balance is a fact; low when under the setting."""
    account = YileAccount.from_config(config)
    try:
        balance = YileSupplier(account).reach(context)
    except PluginError as error:
        return HealthReport(status=HealthStatus.DOWN, message=str(error))
    if balance is None:
        return HealthReport(status=HealthStatus.OK)
    low = balance < account.low_balance
    return HealthReport(
        status=HealthStatus.DEGRADED if low else HealthStatus.OK,
        message="余额不足" if low else "",
        facts={"余额": balance.format(4)},
    )


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    # Only a host that runs simulators pays for importing one.
    from .simulator import YileSimulator

    return [YileSimulator(environment)]
