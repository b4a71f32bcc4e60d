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

from .account import DujiaoAccount
from .supplier import DujiaoSupplier

FIELDS = (
    ConfigField(
        name="base_url", label="站点地址", kind="url", required=True, scope="main",
        help="上游站点的网址，不带 /api/v1/upstream，例如 https://shop.example.com",
    ),
    ConfigField(
        name="api_key", label="API Key", required=True, scope="main",
        pattern=r"[\x21-\x7e]{1,128}", help="在上游站点的“API 权限”中申请，需对方审核通过",
    ),
    ConfigField(
        name="api_secret", label="API Secret", required=True, secret=True, scope="main",
        help="只在审核通过时显示一次；请求和回调都用它签名",
    ),
    ConfigField(
        name="low_balance", label="余额预警", kind="money", scope="main",
        default=Money.parse("100"), help="上游钱包余额低于此数时提醒充值",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="supplier-dujiao-next",
        kind=PluginKind.SUPPLIER,
        name="独角数卡 Next",
        version="0.1.0",
        api_version=(1, 2),
        description="对接 dujiao-next 站点（上游 API 1.0）：商品、下单、查询、取消、余额、回调",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=("offers", "codes", "top_up", "query", "cancel", "callback", "balance"),
        restricted=True,
    )


@hookimpl
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:
    return [DujiaoSupplier(DujiaoAccount.from_config(config))]


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask for the balance: proves address, key, secret and currency without an order."""
    try:
        DujiaoSupplier(DujiaoAccount.from_config(config)).balance(context)
    except PluginError as error:
        return [ConfigProblem(field="", message=str(error))]
    return []


@hookimpl
def kameng_health(config: PluginConfig, context: CallContext) -> HealthReport:
    """The wallet as a fact; below the warning it is degraded."""
    try:
        balance = DujiaoSupplier(DujiaoAccount.from_config(config)).balance(context)
    except PluginError as error:
        return HealthReport(status=HealthStatus.DOWN, message=str(error))
    low = balance < config.money("low_balance", Money.zero())
    return HealthReport(
        status=HealthStatus.DEGRADED if low else HealthStatus.OK,
        message="余额不足，请充值" if low else "",
        facts={"balance": balance.format(4)},
    )


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    # Only a host that runs simulators pays for importing one.
    from .simulator import DujiaoSimulator

    return [DujiaoSimulator(environment)]
