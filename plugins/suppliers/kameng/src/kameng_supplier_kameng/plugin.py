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

from .account import KamengAccount
from .supplier import KamengSupplier

FIELDS = (
    ConfigField(
        name="base_url", label="站点地址", kind="url", required=True, scope="main",
        help="对方站点的网址，不带 /api/v1，例如 https://shop.example.com",
    ),
    ConfigField(
        name="key_id", label="密钥编号", required=True, scope="main",
        pattern=r"KM[a-z0-9]{16}", help="在对方站点的会员中心创建，以 KM 开头",
    ),
    ConfigField(
        name="secret", label="密钥", required=True, secret=True, scope="main",
        help="创建时只显示一次；请求和通知都用它签名",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="supplier-kameng",
        kind=PluginKind.SUPPLIER,
        name="卡盟（Kameng）",
        version="0.1.0",
        api_version=(1, 2),
        description="对接另一套 Kameng（原生接口 v1）：商品、下单、查询、撤单、余额、通知",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=(
            "offers", "codes", "top_up", "partial", "query", "cancel", "callback", "balance",
        ),
        restricted=True,
    )  # fmt: skip


@hookimpl
def kameng_suppliers(config: PluginConfig) -> Sequence[Supplier]:
    return [KamengSupplier(KamengAccount.from_config(config))]


@hookimpl
def kameng_check_config(config: PluginConfig, context: CallContext) -> Sequence[ConfigProblem]:
    """Ask for the balance: proves address, key, secret and currency without an order."""
    try:
        KamengSupplier(KamengAccount.from_config(config)).balance(context)
    except PluginError as error:
        return [ConfigProblem(field="", message=str(error))]
    return []


@hookimpl
def kameng_health(config: PluginConfig, context: CallContext) -> HealthReport:
    """Down when the account cannot be asked; the balance is a fact of it."""
    try:
        balance = KamengSupplier(KamengAccount.from_config(config)).balance(context)
    except PluginError as error:
        return HealthReport(status=HealthStatus.DOWN, message=str(error))
    return HealthReport(status=HealthStatus.OK, facts={"balance": balance.format(4)})


@hookimpl
def kameng_simulators(environment: SimulatorEnvironment) -> Sequence[Simulator]:
    # Only a host that runs simulators pays for importing one.
    from .simulator import KamengSimulator

    return [KamengSimulator(environment)]
