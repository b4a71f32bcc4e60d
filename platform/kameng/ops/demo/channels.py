"""Ways to pay and to be supplied in the demo: the real plugins, pointed at the simulators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kameng.ops.home import find_home
from kameng.payments import api as payments
from kameng.plugins import api as plugins
from kameng.settings import Settings
from kameng_sdk.money import Money
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.simulators import Simulator, SimulatorEnvironment, close

MAIN_STATION = 1
# No bank has numbers that begin like this, and the name says what it is.
BANK = {
    "bank": "示例银行（演示）", "branch": "示例银行幻想路支行", "holder": "演示商户（请勿转账）",
    "account": "0000 0000 0000 0000 000", "note": "这是演示数据，不存在的账户，请勿转账。",
    "minimum": "10.00",
}  # fmt: skip
WITHOUT_SIMULATOR = ("payment-balance", "risk-velocity", "supplier-manual")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What a simulated supplier sells, and our money there."""

    goods: Sequence[Goods]
    balance: Money


def switch_on(
    settings: Settings, suppliers: Mapping[str, Money | None] | None = None
) -> dict[str, Shelf]:
    """Configure every plugin for its simulator; suppliers are switched on where they are used.

    ``suppliers`` are the plugins that are used, each with our money there, or None for what its
    simulator begins with. Returns the shelves of all simulated suppliers by plugin.
    """
    used = suppliers or {}
    folder = find_home({"KAMENG_HOME": str(settings.home)}).simulators
    environment = SimulatorEnvironment(state_folder=folder, base_url=settings.simulator_url)
    configured, shelves = set(WITHOUT_SIMULATOR), {}
    for plugin_id, simulator in plugins.simulators(environment):
        if isinstance(simulator, SupplierSimulator):
            shelves[plugin_id] = _shelf(simulator, used.get(plugin_id))
        values = _values(simulator)
        plugins.configure(MAIN_STATION, plugin_id, values, "demo")
        if plugin_id not in shelves or plugin_id in used:
            configured.add(plugin_id)
    plugins.configure(MAIN_STATION, "payment-bank-transfer", BANK, "demo")
    configured.add("payment-bank-transfer")
    # One wallet, two gateways: each is taken where it does best.
    for plugin_id, device in (("payment-alipay", "alipay"), ("payment-wechatpay", "wechat")):
        if plugin_id in configured:
            terms = payments.Terms(devices=frozenset({device}))
            payments.set_terms(MAIN_STATION, plugin_id, "", "", terms, "demo")
    for plugin_id in sorted(configured):
        plugins.set_enabled(MAIN_STATION, plugin_id, True, "demo")
    return shelves


def _shelf(simulator: SupplierSimulator, balance: Money | None) -> Shelf:
    if balance is not None:
        simulator.warehouse.change_balance(balance)
    return Shelf(goods=simulator.warehouse.shelf.all(), balance=simulator.warehouse.balance())


def _values(simulator: Simulator) -> Mapping[str, str | int | bool]:
    values = simulator.demo_config()
    close(simulator)  # the one that answers requests runs in a process of its own
    return values
