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

from .account import PUBLIC_API, KakayunAccount
from .supplier import KakayunSupplier, check

FIELDS = (
    ConfigField(
        name="site_url", label="供货站网址", kind="url", required=True, scope="main",
        help="上游站点自己的域名，只用来下单，例如 https://shop.example.com，不带 /dockapiv3",
    ),
    ConfigField(
        name="api_url", label="公共接口地址", kind="url", default=PUBLIC_API, scope="main",
        help="查单、商品、余额都走这里；除非供应商另行告知，不用改",
    ),
    ConfigField(
        name="userid", label="商户 ID", required=True, pattern=r"[0-9A-Za-z_-]{1,32}",
        scope="main",
    ),
    ConfigField(name="key", label="商户 KEY", required=True, secret=True, scope="main"),
    ConfigField(
        name="low_balance", label="余额预警", kind="money", default=Money(100 * 10_000),
        scope="main", help="余额加授信低于这个数时，供应商显示为异常",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="supplier-kakayun",
        kind=PluginKind.SUPPLIER,
        name="卡卡云 v3",
        version="0.1.0",
        api_version=(1, 2),
        description="对接卡卡云 v3（dockapiv3）供货站：采购卡密和直充、查单、退单、回调",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=(
            "offers", "stock", "query", "balance", "callback", "codes", "top_up", "cancel",
        ),
        restricted=True,
    )  # fmt: skip


@hookimpl
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:
    return (KakayunSupplier(KakayunAccount.from_config(config)),)


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask for the balance: proves the common address, the number and the key.

    The supplier's own site cannot be tried without buying.
    """
    try:
        problem = check(KakayunSupplier(KakayunAccount.from_config(config)), context)
    except PluginError as error:
        problem = str(error)
    return [ConfigProblem(field="", message=problem)] if problem else []


@hookimpl
def kameng_health(config: PluginConfig, context: CallContext) -> HealthReport:
    account = KakayunAccount.from_config(config)
    try:
        money, credit = KakayunSupplier(account).funds(context)
    except PluginError as error:
        return HealthReport(status=HealthStatus.DOWN, message=str(error)[:200])
    low = money + credit < account.low_balance
    return HealthReport(
        status=HealthStatus.DEGRADED if low else HealthStatus.OK,
        message="余额不足，请充值" if low else "",
        facts={"余额": money.format(4), "授信": credit.format(4)},
    )


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    # Only a host that runs simulators pays for importing one.
    from .simulator import KakayunSimulator

    return (KakayunSimulator(environment),)
