"""Ways to pay in the demo: the real plugins, pointed at the simulators."""

from __future__ import annotations

from kameng.ops.home import find_home
from kameng.payments import api as payments
from kameng.plugins import api as plugins
from kameng.settings import Settings
from kameng_sdk.simulators import SimulatorEnvironment, close

MAIN_STATION = 1
# No bank has numbers that begin like this, and the name says what it is.
BANK = {
    "bank": "示例银行（演示）", "branch": "示例银行幻想路支行", "holder": "演示商户（请勿转账）",
    "account": "0000 0000 0000 0000 000", "note": "这是演示数据，不存在的账户，请勿转账。",
    "minimum": "10.00",
}  # fmt: skip


def switch_on(settings: Settings) -> None:
    """Configure the gateways' plugins for their simulators and switch the rest on."""
    folder = find_home({"KAMENG_HOME": str(settings.home)}).simulators
    environment = SimulatorEnvironment(state_folder=folder, base_url=settings.simulator_url)
    configured = set()
    for plugin_id, simulator in plugins.simulators(environment):
        values = simulator.demo_config()
        close(simulator)  # the one that answers requests runs in a process of its own
        plugins.configure(MAIN_STATION, plugin_id, values, "demo")
        configured.add(plugin_id)
    plugins.configure(MAIN_STATION, "payment-bank-transfer", BANK, "demo")
    configured.add("payment-bank-transfer")
    # One wallet, two gateways: each is taken where it does best.
    for plugin_id, device in (("payment-alipay", "alipay"), ("payment-wechatpay", "wechat")):
        if plugin_id in configured:
            terms = payments.Terms(devices=frozenset({device}))
            payments.set_terms(MAIN_STATION, plugin_id, "", "", terms, "demo")
    others = ("payment-balance", "risk-velocity", "supplier-manual")
    for plugin_id in (*sorted(configured), *others):
        plugins.set_enabled(MAIN_STATION, plugin_id, True, "demo")
