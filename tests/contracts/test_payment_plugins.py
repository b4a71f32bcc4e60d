"""What every installed payment plugin keeps to; a new one is covered by its entry point."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

import pluggy
import pytest

from kameng_sdk import hookspecs
from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.manifest import API_VERSION, PluginKind, PluginManifest
from kameng_sdk.payments import SETTLING
from kameng_sdk.testing import call_context, plugin_config, simulating

INSTALLED = sorted(
    (e for e in entry_points(group="kameng.plugins") if e.name.startswith("payment-")),
    key=lambda e: e.name,
)
SIMULATED = [entry for entry in INSTALLED if hasattr(entry.load(), "kameng_simulators")]
ALONE = """
import importlib, sys
class NoHost:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"kameng", "flask", "sqlalchemy", "httpx"}:
            raise ImportError(name)
sys.meta_path.insert(0, NoHost())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


class NoHttp:
    """A way out that nobody may take."""

    def request(self, method: str, url: str, **more: Any) -> Any:
        raise AssertionError(f"{method} {url}")


@dataclass(frozen=True)
class Demo:
    """A plugin set up against its own simulator, as the demo does it."""

    hook: Any
    manifest: PluginManifest
    simulator: Any
    url: str

    @property
    def values(self) -> dict[str, Any]:
        return dict(self.simulator.demo_config())

    @property
    def config(self) -> PluginConfig:
        return plugin_config(self.values, {f.name for f in self.manifest.config_fields if f.secret})


def hook_of(entry: EntryPoint) -> Any:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(entry.load())
    manager.check_pending()
    return manager.hook


@pytest.fixture(params=INSTALLED, ids=lambda entry: entry.name)
def entry(request: pytest.FixtureRequest) -> EntryPoint:
    found: EntryPoint = request.param
    return found


@pytest.fixture(scope="module", params=SIMULATED, ids=lambda entry: entry.name)
def demo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    hook = hook_of(request.param)
    (manifest,) = hook.kameng_manifest()

    def offered(environment: Any) -> Any:
        ((simulator,),) = hook.kameng_simulators(environment=environment)
        return simulator

    with simulating(offered, tmp_path_factory.mktemp("simulators")) as (simulator, url):
        yield Demo(hook, manifest, simulator, url)


def test_plugins_are_found_and_gateways_bring_a_simulator() -> None:
    gateways = {"alipay", "epay", "stripe", "unionpay", "wechatpay"}
    assert {f"payment-{name}" for name in gateways} <= {entry.name for entry in SIMULATED}


def test_the_entry_point_is_named_as_the_manifest_and_all_hooks_are_known(
    entry: EntryPoint,
) -> None:
    (manifest,) = hook_of(entry).kameng_manifest()
    assert (manifest.id, manifest.kind) == (entry.name, PluginKind.PAYMENT)
    assert API_VERSION.accepts(manifest.api_version)


def test_it_needs_neither_the_host_nor_its_frameworks(entry: EntryPoint) -> None:
    simulator = f"{entry.module.rpartition('.')[0]}.simulator"
    names = [entry.module, *([simulator] if find_spec(simulator) else [])]
    command = [sys.executable, "-W", "error", "-c", ALONE, *names]
    subprocess.run(command, check=True, timeout=60)


def test_an_empty_configuration_is_refused_before_anything_is_sent(entry: EntryPoint) -> None:
    hook = hook_of(entry)
    (manifest,) = hook.kameng_manifest()
    if not any(field.required for field in manifest.config_fields):
        ((_provider,),) = hook.kameng_payment_providers(config=PluginConfig())
        return
    with pytest.raises(Misconfigured):
        hook.kameng_payment_providers(config=PluginConfig())
    silent = replace(call_context(), http=NoHttp())
    for problems in hook.kameng_check_config(config=PluginConfig(), context=silent):
        (problem,) = problems
        assert "missing" in problem.message


def test_the_simulator_is_offered_under_the_plugins_short_name(demo: Demo) -> None:
    assert demo.simulator.name == demo.manifest.id.removeprefix("payment-")
    assert demo.url.endswith(f"/{demo.simulator.name}")
    addresses = {f.name for f in demo.manifest.config_fields if f.kind == "url"} & set(demo.values)
    assert addresses
    for name in addresses:
        assert demo.values[name].startswith(demo.url)


def test_the_demo_settings_fit_the_form_and_build_the_provider(demo: Demo) -> None:
    assert all(demo.manifest.field(name) for name in demo.values)
    required = {field.name for field in demo.manifest.config_fields if field.required}
    assert required <= set(demo.values)
    ((provider,),) = demo.hook.kameng_payment_providers(config=demo.config)
    assert provider.capabilities & SETTLING
    assert provider.methods()


def test_the_settings_can_be_tried_against_the_other_side(demo: Demo) -> None:
    assert demo.hook.kameng_check_config(config=demo.config, context=call_context()) == [[]]


def test_secrets_are_declared_as_such_and_not_shown(demo: Demo) -> None:
    hidden = {f.name for f in demo.manifest.config_fields if f.secret} & set(demo.values)
    assert hidden
    ((provider,),) = demo.hook.kameng_payment_providers(config=demo.config)
    shown = repr(provider) + repr(vars(provider))
    for name in hidden:
        assert str(demo.values[name]) not in shown
