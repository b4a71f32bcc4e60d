"""What the host sees of the distribution: entry point, manifest, hooks, imports."""

import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import pluggy
import pytest

from kameng_payment_unionpay import plugin
from kameng_payment_unionpay.simulator import UnionpaySimulator
from kameng_payment_unionpay.simulator.keys import certify, holder, key_pem, new_key
from kameng_sdk import hookspecs
from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.manifest import API_VERSION
from kameng_sdk.payments import SETTLING
from kameng_sdk.simulators import SimulatorEnvironment

ID = "payment-unionpay"
ALONE = """
import sys
class NoHost:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"kameng", "flask", "sqlalchemy"}:
            raise ImportError(name)
sys.meta_path.insert(0, NoHost())
import kameng_payment_unionpay.plugin, kameng_payment_unionpay.simulator
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
    assert isinstance(simulator, UnionpaySimulator)
    assert simulator.name == "unionpay"
    assert simulator.demo_config()["gateway_url"] == "http://sim.test/unionpay"
    simulator.close()


def test_the_plugin_needs_neither_the_host_nor_its_frameworks() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", ALONE], check=True, timeout=60)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"sign_key": "no key"}, "PEM private key"),
        ({"sign_key": None}, "sign_key"),
        ({"mer_id": None}, "mer_id"),
        ({"sign_cert": "no certificate"}, "PEM certificate"),
        ({"sign_cert": ""}, "one certificate"),
        ({"root_cert": ""}, "are needed"),
        ({"middle_cert": ""}, "are needed"),
        ({"fee_bp": 10_000}, "fee_bp"),
    ],
)
def test_settings_that_cannot_work_are_said_in_words(
    scene: Any, changes: dict[str, Any], word: str
) -> None:
    with pytest.raises(Misconfigured, match=word):
        scene.provider(**changes)


def test_keys_and_certificates_must_belong_together(scene: Any) -> None:
    key, name = new_key(), holder("别人")
    with pytest.raises(Misconfigured, match="not the certificate of sign_key"):
        scene.provider(sign_key=key_pem(key))
    other = certify(name, key, name, key)
    with pytest.raises(Misconfigured, match="not of this root"):
        scene.provider(root_cert=other)
    with pytest.raises(Misconfigured, match="one certificate"):
        scene.provider(sign_cert=scene.simulator.demo_config()["sign_cert"] * 2)
