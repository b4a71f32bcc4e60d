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

from .account import SHARED, V4, StoreAccount
from .supplier import AcgSupplier

FIELDS = (
    ConfigField(
        name="base_url", label="店铺地址", kind="url", required=True, scope="main",
        help="例如 https://shop.example.com，不带 /shared 或 /plugin；共享店铺必须用 https",
    ),
    ConfigField(
        name="flavour", label="接口类型", kind="choice", required=True, default=SHARED,
        scope="main", choices=((SHARED, "共享店铺（V3）"), (V4, "V4 开放接口")),
        help="警告：共享店铺接口把密钥明文放在每个请求里，请求也可以被重放；对方支持时请用 V4",
    ),
    ConfigField(
        name="app_id", label="商户 ID", required=True, scope="main", pattern=r"[0-9A-Za-z_-]{1,64}",
        help="你在对方店铺的会员 ID",
    ),
    ConfigField(
        name="app_key", label="密钥", required=True, secret=True, scope="main",
        pattern=r"[^+%]+", help="含 + 或 % 的密钥在对方的签名算法里会变样，请在对方后台重置",
    ),
    ConfigField(
        name="low_balance", label="余额提醒", kind="money", scope="main",
        default=Money.from_fen(10_000), help="余额低于这个数时显示为异常",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="supplier-acg-shared",
        kind=PluginKind.SUPPLIER,
        name="异次元共享店铺",
        version="0.1.0",
        api_version=(1, 2),
        description="对接异次元发卡（acg-faka）的共享店铺和 V4 开放接口：商品、下单、查询、余额",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=("offers", "stock", "codes", "top_up", "query", "balance", "callback"),
        restricted=True,
    )


@hookimpl
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:
    return (AcgSupplier(StoreAccount.from_config(config)),)


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask for the balance: proves address, account and key."""
    try:
        AcgSupplier(StoreAccount.from_config(config)).balance(context)
    except PluginError as error:
        return [ConfigProblem(field="", message=str(error))]
    return []


@hookimpl
def kameng_health(config: PluginConfig, context: CallContext) -> HealthReport:
    """The balance is a fact; low when under the setting."""
    account = StoreAccount.from_config(config)
    try:
        balance = AcgSupplier(account).balance(context)
    except PluginError as error:
        return HealthReport(status=HealthStatus.DOWN, message=str(error))
    low = balance < account.low_balance
    return HealthReport(
        status=HealthStatus.DEGRADED if low else HealthStatus.OK,
        message="余额不足" if low else "",
        facts={"余额": balance.format(4)},
    )


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    # Only a host that runs simulators pays for importing one.
    from .simulator import AcgSimulator

    return [AcgSimulator(environment)]
