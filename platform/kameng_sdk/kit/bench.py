"""The bench a plugin is tried on: its own simulator, a shop for its notices, a journal."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.kit.calls import Said, Way, call
from kameng_sdk.kit.checks import Failed, NotApplicable, require
from kameng_sdk.kit.static import FACTORIES, Specimen
from kameng_sdk.manifest import ConfigField, FieldValue, PluginManifest
from kameng_sdk.money import Money
from kameng_sdk.secrets import Secret
from kameng_sdk.simulators import Simulator, SimulatorEnvironment
from kameng_sdk.testing.calls import DirectHttp, plugin_config
from kameng_sdk.testing.scenes import Merchant
from kameng_sdk.testing.serving import Served, mounted
from kameng_sdk.webhooks import WebhookRequest

SAMPLES: dict[str, str | int | bool | Money] = {"int": 1, "bool": True, "money": Money(10_000)}
Call = Callable[[CallContext], object]
_numbers = itertools.count(1)


@dataclass
class Bench:
    """``trouble`` says why the plugin cannot be tried; the check `contract.simulator` reports it.

    ``journal`` holds every call with the type its answer was promised to have.
    """

    specimen: Specimen
    simulator: Simulator | None = None
    url: str = ""
    config: PluginConfig = field(default_factory=PluginConfig)
    trouble: str = ""
    merchant: Merchant = field(default_factory=Merchant)
    shop_url: str = ""
    journal: list[tuple[Said, Any]] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def manifest(self) -> PluginManifest:
        """What the plugin says about itself."""
        return self.specimen.manifest

    @property
    def notify_url(self) -> str:
        """Where the plugin's other side may send notices."""
        return f"{self.shop_url}/notify"

    def subject(self) -> Any:
        """The one object of these settings, made once."""
        return self.once("subject", self.build)

    def build(self, config: PluginConfig | None = None) -> Any:
        """A new object; raises `NotApplicable` when the bench does not stand."""
        if self.trouble:
            raise NotApplicable("nothing to try it on: see contract.simulator")
        built = self.build_all(self.config if config is None else config)
        require(len(built) == 1, f"{len(built)} objects were made of one account, not one")
        return built[0]

    def build_all(self, config: PluginConfig) -> list[Any]:
        """Whatever the factory of its kind makes."""
        hook = getattr(self.specimen.manager.hook, FACTORIES[self.manifest.kind])
        return [built for answer in hook(config=config) for built in answer]

    def say(
        self,
        step: str,
        promised: Any,
        code: Callable[[CallContext], object],
        way: Way | None = None,
    ) -> Said:
        """One call, written into the journal."""
        said = call(step, code, way)
        self.journal.append((said, promised))
        return said

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What several checks look at is made by the first of them.

        When that fails it is the first one's failure; the others only cannot be tried.
        """
        if name in self.failed:
            raise NotApplicable(f"it needs what failed before: {self.failed[name]}"[:200])
        if name not in self.kept:
            try:
                self.kept[name] = make()
            except NotApplicable:
                raise
            except Exception as error:
                self.failed[name] = str(error) or type(error).__name__
                raise
        return self.kept[name]

    def wait_notice(self, number: str, seconds: float = 8.0) -> WebhookRequest | None:
        """A notice about a number, once it has come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for notice in list(self.merchant.notices):
                whole = notice.query + notice.body.decode("utf-8", "replace")
                if number in whole:
                    return notice
            time.sleep(0.05)
        return None

    def orders(self, number: str) -> list[dict[str, Any]] | None:
        """What the simulator knows of a number of ours; None when it does not tell."""
        answer = self._control("GET", f"orders?out_trade_no={number}&number={number}")
        found = answer.get("orders") if answer is not None else None
        return found if isinstance(found, list) else None

    def placed(self) -> int | None:
        """How many orders the simulator has in all; None when it does not tell."""
        facts = self._control("GET", "facts") or {}
        found = facts.get("placed")
        return found if isinstance(found, int) else None

    def act(self, number: str, action: str) -> bool:
        """Do in the simulator as a person would; False when it has no such lever."""
        return self._control("POST", f"out:{number}/{action}") is not None

    def announce_shop(self) -> None:
        """Enter the shop's address where the other side keeps one for the whole account."""
        self._control("POST", "webhook", {"url": self.notify_url})

    def _control(
        self, method: str, what: str, data: dict[str, str] | None = None
    ) -> dict[str, Any] | None:
        answer = DirectHttp().request(method, f"{self.url}/control/{what}", data=data)
        if answer.status != 200:
            return None
        try:
            found = json.loads(answer.body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def secrets(self) -> list[str]:
        """The secrets among its settings."""
        return [value.reveal() for value in self.config.values() if isinstance(value, Secret)]


def new_number() -> str:
    """A number as the host makes them: 18 digits, never the same."""
    return f"{time.time_ns() // 1_000_000:013d}{next(_numbers) % 100_000:05d}"


@contextmanager
def bench_of(specimen: Specimen, folder: Path) -> Iterator[Bench]:
    """A bench that stands for as long as the block runs."""
    bench = Bench(specimen)
    with ExitStack() as stack:
        try:
            _set_up(bench, folder, stack)
        except (Failed, NotApplicable) as error:
            bench.trouble = str(error)
        except Exception as error:
            bench.trouble = f"{type(error).__name__}: {error}"[:300]
        yield bench


def _set_up(bench: Bench, folder: Path, stack: ExitStack) -> None:
    shop = Served(bench.merchant)
    stack.callback(shop.close)
    bench.shop_url = shop.url
    holder: list[Simulator] = []
    # The address comes before the simulator, which needs to know it.
    served = Served(lambda environ, start: mounted(holder[0])(environ, start))
    stack.callback(served.close)
    environment = SimulatorEnvironment(state_folder=folder, base_url=served.url)
    answers = bench.specimen.manager.hook.kameng_simulators(environment=environment)
    holder += [simulator for answer in answers for simulator in answer]
    for simulator in holder:
        stack.callback(getattr(simulator, "close", lambda: None))
    bench.config = _config(bench, holder)
    if holder:
        bench.simulator = holder[0]
        bench.url = environment.url_of(holder[0].name)
        bench.announce_shop()


def _config(bench: Bench, simulators: list[Simulator]) -> PluginConfig:
    manifest = bench.manifest
    values = {f.name: f.default for f in manifest.config_fields if f.default is not None}
    require(len(simulators) <= 1, "one plugin brings one simulator")
    if simulators:
        given = dict(simulators[0].demo_config())
        values |= {name: _typed(manifest.field(name), value) for name, value in given.items()}
    elif not any(f.secret or f.kind == "url" for f in manifest.config_fields):
        # It has no other side: whatever is typed in, nothing is sent.
        needed = [f for f in manifest.config_fields if f.required and f.name not in values]
        values |= {f.name: SAMPLES.get(f.kind, "1") for f in needed}
    missing = [f.name for f in manifest.config_fields if f.required and f.name not in values]
    require(not missing, "without a simulator nobody can try it; it needs " + ", ".join(missing))
    hidden = {f.name for f in manifest.config_fields if f.secret}
    empty = {f.name: None for f in manifest.config_fields}
    return PluginConfig({**empty, **plugin_config(values, hidden)})  # type: ignore[arg-type]  # Money may stand among the defaults


def _typed(declared: ConfigField | None, value: str | int | bool) -> FieldValue:
    """A value of the form as the host hands it to a plugin."""
    kind = declared.kind if declared is not None else "str"
    if isinstance(value, str) and kind == "money":
        return Money.parse(value)
    if isinstance(value, str) and kind == "int":
        return int(value)
    return value
