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

from .account import ReloadlyAccount
from .supplier import ReloadlySupplier

FIELDS = (
    ConfigField(
        name="client_id", label="Client ID", required=True, scope="main",
        pattern=r"[\x21-\x7e]{1,128}", help="Reloadly 后台 Developers 页面；正式和沙箱环境各有一套",
    ),
    ConfigField(
        name="client_secret", label="Client Secret", required=True, secret=True, scope="main",
    ),
    ConfigField(
        name="webhook_secret", label="Webhook 签名密钥", secret=True, scope="main",
        help="在 Reloadly 后台 Developers › Webhooks 添加本页的回调地址后得到；不填则只靠查询",
    ),
    ConfigField(
        name="currency", label="账户货币", required=True, scope="main", default="USD",
        pattern=r"[A-Z]{3}", help="Reloadly 钱包的货币代码",
    ),
    ConfigField(
        name="rate", label="汇率", kind="money", required=True, scope="main",
        help="一单位账户货币折合多少人民币；成本按此换算并向上取整，请留出波动余量",
    ),
    ConfigField(
        name="sender_name", label="送礼人名称", scope="main", default="Kameng",
        pattern=r"[^\x00-\x1f]{1,50}", help="显示在礼品卡收据上",
    ),
    ConfigField(
        name="low_balance", label="余额预警", kind="money", scope="main",
        default=Money.parse("500"), help="钱包余额折合人民币低于此数时提醒充值",
    ),
    ConfigField(
        name="auth_url", label="认证地址", kind="url", required=True, scope="main",
        default="https://auth.reloadly.com",
    ),
    ConfigField(
        name="topups_url", label="话费接口地址", kind="url", required=True, scope="main",
        default="https://topups.reloadly.com",
        help="沙箱环境为 https://topups-sandbox.reloadly.com",
    ),
    ConfigField(
        name="giftcards_url", label="礼品卡接口地址", kind="url", required=True, scope="main",
        default="https://giftcards.reloadly.com",
        help="沙箱环境为 https://giftcards-sandbox.reloadly.com",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="supplier-reloadly",
        kind=PluginKind.SUPPLIER,
        name="Reloadly",
        version="0.1.0",
        api_version=(1, 2),
        description="对接 Reloadly：海外话费充值和礼品卡，支持查询、余额和回调",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=("offers", "codes", "top_up", "query", "callback", "balance"),
        restricted=True,
    )


@hookimpl
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:
    return [ReloadlySupplier(ReloadlyAccount.from_config(config))]


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask for the balance: proves addresses, credentials and currency without an order."""
    try:
        ReloadlySupplier(ReloadlyAccount.from_config(config)).balance(context)
    except PluginError as error:
        return [ConfigProblem(field="", message=str(error))]
    return []


@hookimpl
def kameng_health(config: PluginConfig, context: CallContext) -> HealthReport:
    """The wallet in yuan as a fact; below the warning it is degraded."""
    try:
        balance = ReloadlySupplier(ReloadlyAccount.from_config(config)).balance(context)
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
    from .simulator import ReloadlySimulator

    return [ReloadlySimulator(environment)]
