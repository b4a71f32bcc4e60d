"""Ways to pay in the demo: the real plugins, pointed at the simulators."""

from __future__ import annotations

from kameng.ops.home import find_home
from kameng.plugins import api as plugins
from kameng.settings import Settings
from kameng_sdk.simulators import SimulatorEnvironment

MAIN_STATION = 1


def switch_on(settings: Settings) -> None:
    """Configure the gateways' plugins for their simulators and switch the rest on."""
    folder = find_home({"KAMENG_HOME": str(settings.home)}).simulators
    environment = SimulatorEnvironment(state_folder=folder, base_url=settings.simulator_url)
    configured = set()
    for plugin_id, simulator in plugins.simulators(environment):
        values = simulator.demo_config()
        plugins.configure(MAIN_STATION, plugin_id, values, "demo")
        configured.add(plugin_id)
    others = ("payment-balance", "risk-velocity", "supplier-manual")
    for plugin_id in (*sorted(configured), *others):
        plugins.set_enabled(MAIN_STATION, plugin_id, True, "demo")
