"""What the host sees of the distribution: entry point, manifest, hooks, imports."""

import subprocess
import sys
from datetime import date
from importlib.metadata import entry_points
from typing import Any

import pluggy
import pytest

from kameng_payment_epay import plugin
from kameng_payment_epay.simulator import EpaySimulator
from kameng_sdk import hookspecs
from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import CapabilityNotSupported, Misconfigured
from kameng_sdk.manifest import API_VERSION
from kameng_sdk.payments import SETTLING, Device, PaymentCapability
from kameng_sdk.simulators import SimulatorEnvironment

ID = "payment-epay"
ALONE = """
import sys
class NoHost:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"kameng", "flask", "sqlalchemy"}:
            raise ImportError(name)
sys.meta_path.insert(0, NoHost())
import kameng_payment_epay.plugin, kameng_payment_epay.simulator
"""


@pytest.fixture
def hooks() -> Any:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    return manager.hook


def test_the_entry_point_is_named_as_the_manifest(hooks: Any) -> None:
    (entry,) = entry_points(group="kameng.plugins", name=ID)
    assert entry.load() is plugin
    (manifest,) = hooks.kameng_manifest()
    assert manifest.id == ID
    assert API_VERSION.accepts(manifest.api_version)


def test_the_demo_settings_fit_the_form_and_build_the_provider(hooks: Any, scene: Any) -> None:
    (manifest,) = hooks.kameng_manifest()
    demo = scene.simulator.demo_config()
    for name in demo:
        assert manifest.field(name) is not None
    required = {field.name for field in manifest.config_fields if field.required}
    assert required <= set(demo)
    ((provider,),) = hooks.kameng_payment_providers(config=scene.config())
    assert provider.capabilities & SETTLING
    assert provider.methods()
    assert hooks.kameng_check_config(config=scene.config(), context=scene.ctx()) == [[]]


def test_wallets_keep_out_of_each_others_browser_and_name_what_they_are(scene: Any) -> None:
    methods = {m.code: m for m in scene.provider("v2", methods="alipay,wxpay,qqpay").methods()}
    assert {code: m.same_as for code, m in methods.items()} == {
        "alipay": "alipay", "wxpay": "wechatpay", "qqpay": "",
    }  # fmt: skip
    assert Device.WECHAT not in methods["alipay"].devices
    assert Device.ALIPAY not in methods["wxpay"].devices
    for method in (methods["alipay"], methods["wxpay"]):
        assert {Device.DESKTOP, Device.PHONE} < method.devices
    assert not methods["qqpay"].devices, "everywhere"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_list_of_the_newest_orders_is_not_called_a_bill(scene: Any, version: str) -> None:
    provider = scene.provider(version)
    assert PaymentCapability.BILL not in provider.capabilities
    with pytest.raises(CapabilityNotSupported):
        provider.bill(scene.ctx(), date(2026, 3, 1))


def test_secrets_are_declared_as_such_and_not_shown(hooks: Any, scene: Any) -> None:
    (manifest,) = hooks.kameng_manifest()
    demo = scene.simulator.demo_config()
    hidden = {field.name for field in manifest.config_fields if field.secret}
    account = hooks.kameng_payment_providers(config=scene.config())[0][0]._account
    for name in hidden & set(demo):
        assert str(demo[name]) not in repr(account)


def test_an_empty_configuration_is_refused_before_anything_is_sent(hooks: Any, scene: Any) -> None:
    with pytest.raises(Misconfigured):
        hooks.kameng_payment_providers(config=PluginConfig())
    ((problem,),) = hooks.kameng_check_config(config=PluginConfig(), context=scene.ctx())
    assert "missing" in problem.message


def test_the_simulator_is_offered_under_the_plugins_short_name(hooks: Any, tmp_path: Any) -> None:
    environment = SimulatorEnvironment(state_folder=tmp_path, base_url="http://sim.test")
    ((simulator,),) = hooks.kameng_simulators(environment=environment)
    assert isinstance(simulator, EpaySimulator)
    assert simulator.name == "epay"
    assert simulator.demo_config()["gateway_url"] == "http://sim.test/epay"
    simulator.close()


def test_the_plugin_needs_neither_the_host_nor_its_frameworks() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", ALONE], check=True, timeout=60)
