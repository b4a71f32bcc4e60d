"""What every installed supplier plugin keeps to; a new one is covered by its entry point."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from itertools import count
from typing import Any, ClassVar

import pluggy
import pytest

from kameng_sdk import hookspecs
from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import (
    CapabilityNotSupported,
    HttpOutcomeUnknown,
    Misconfigured,
    PluginError,
    WebhookRefused,
)
from kameng_sdk.manifest import API_VERSION, PluginKind, PluginManifest
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.simulation.lies import ANSWER_LIES, LOST
from kameng_sdk.suppliers import (
    SETTLING,
    BaseSupplier,
    Offer,
    OfferKind,
    PurchaseRequest,
    PurchaseResult,
    Supplier,
    SupplierCapability,
    SupplierRules,
)
from kameng_sdk.testing import (
    LeverRefused,
    SupplyScene,
    call_context,
    plugin_config,
    simulating,
    wait_for,
)
from kameng_sdk.webhooks import WebhookRequest

INSTALLED = sorted(
    (e for e in entry_points(group="kameng.plugins") if e.name.startswith("supplier-")),
    key=lambda e: e.name,
)
SIMULATED = [entry for entry in INSTALLED if hasattr(entry.load(), "kameng_simulators")]
PLAIN_ACCOUNT = "13800138000"  # an ending that chooses nothing
MOST_PAGES = 50
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


@dataclass
class Demo(SupplyScene[Any]):
    """A plugin set up against its own simulator, as the demo does it."""

    numbers: ClassVar[Iterator[int]] = count(261100000000000001)

    hook: Any = None
    manifest: Any = None
    offers: list[Offer] = field(default_factory=list)

    @property
    def values(self) -> dict[str, Any]:
        return dict(self.simulator.demo_config())

    @property
    def plugin_config(self) -> PluginConfig:
        """The form's values as the host hands them over: secrets sealed, amounts as money."""
        fields = {f.name: f for f in self.manifest.config_fields}
        sealed = plugin_config(self.values, {name for name, f in fields.items() if f.secret})
        amounts = {
            n: Money.parse(str(v)) for n, v in self.values.items() if fields[n].kind == "money"
        }
        return PluginConfig({**sealed, **amounts})

    def supplier(self) -> Supplier:
        ((supplier,),) = self.hook.kameng_suppliers(config=self.plugin_config)
        found: Supplier = supplier
        return found

    def wish(self, kind: OfferKind, **changes: Any) -> PurchaseRequest:
        """A purchase of the first goods of that kind which can be had."""
        self.offers = self.offers or list(all_offers(self))
        offer = next(o for o in self.offers if o.kind is kind and o.on_sale and o.stock != 0)
        quantity = offer.minimum if offer.maximum == offer.minimum else offer.minimum + 1
        return self.purchase_request(
            str(next(self.numbers)),
            offer.sku_ref,
            quantity,
            inputs={f.name: f.choices[0] if f.choices else PLAIN_ACCOUNT for f in offer.fields},
            **({"max_cost": offer.cost * quantity} | changes),
        )

    def subscribe(self) -> None:
        """Some systems learn the address of notices once, and not with each order."""
        with suppress(LeverRefused):
            self._ask("POST", "webhook", {"url": f"{self.shop_url}/notify"})

    def placed(self, request: PurchaseRequest) -> PurchaseResult:
        """What the purchase came to; an answer in doubt as the host takes it."""
        try:
            return self.supplier().purchase(self.ctx(), request)
        except HttpOutcomeUnknown:
            return PurchaseResult(outcome=Outcome.UNKNOWN)

    def final(self, request: PurchaseRequest) -> PurchaseResult:
        """Buy, and ask until it is decided."""
        first = self.placed(request)
        if first.outcome is not Outcome.PENDING:
            return first
        return self.settled(self.supplier(), request.purchase_no, first.supplier_ref)


def hook_of(entry: EntryPoint) -> Any:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(entry.load())
    manager.check_pending()
    return manager.hook


def all_offers(demo: Demo) -> Iterator[Offer]:
    supplier, cursor = demo.supplier(), ""
    for _ in range(MOST_PAGES):
        page = supplier.list_offers(demo.ctx(), cursor)
        yield from page.offers
        if not page.next_cursor:
            return
        cursor = page.next_cursor
    raise AssertionError("the list does not end")


@pytest.fixture(params=INSTALLED, ids=lambda entry: entry.name)
def entry(request: pytest.FixtureRequest) -> EntryPoint:
    found: EntryPoint = request.param
    return found


@pytest.fixture(scope="module", params=SIMULATED, ids=lambda entry: entry.name)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, str, Any, PluginManifest]]:
    hook = hook_of(request.param)
    (manifest,) = hook.kameng_manifest()

    def offered(environment: Any) -> Any:
        ((simulator,),) = hook.kameng_simulators(environment=environment)
        return simulator

    with simulating(offered, tmp_path_factory.mktemp("simulators")) as (simulator, url):
        yield simulator, url, hook, manifest


@pytest.fixture
def demo(running: tuple[Any, str, Any, PluginManifest]) -> Iterator[Demo]:
    simulator, url, hook, manifest = running
    with closing(Demo(simulator, url, hook=hook, manifest=manifest)) as demo:
        demo.settings(top_up_ms=100)
        yield demo


def test_the_entry_point_is_named_as_the_manifest_and_all_hooks_are_known(
    entry: EntryPoint,
) -> None:
    (manifest,) = hook_of(entry).kameng_manifest()
    assert (manifest.id, manifest.kind) == (entry.name, PluginKind.SUPPLIER)
    assert API_VERSION.accepts(manifest.api_version)


def test_the_main_station_alone_configures_it(entry: EntryPoint) -> None:
    (manifest,) = hook_of(entry).kameng_manifest()
    assert manifest.restricted
    assert {f.scope for f in manifest.config_fields} <= {"main"}


def test_it_needs_neither_the_host_nor_its_frameworks(entry: EntryPoint) -> None:
    simulator = f"{entry.module.rpartition('.')[0]}.simulator"
    names = [entry.module, *([simulator] if find_spec(simulator) else [])]
    command = [sys.executable, "-W", "error", "-c", ALONE, *names]
    subprocess.run(command, check=True, timeout=60)


def test_an_empty_configuration_is_refused_before_anything_is_sent(entry: EntryPoint) -> None:
    hook = hook_of(entry)
    (manifest,) = hook.kameng_manifest()
    if not any(f.required for f in manifest.config_fields):
        ((_supplier,),) = hook.kameng_suppliers(config=PluginConfig())
        return
    with pytest.raises(Misconfigured):
        hook.kameng_suppliers(config=PluginConfig())
    silent = replace(call_context(), http=NoHttp())
    for problems in hook.kameng_check_config(config=PluginConfig(), context=silent):
        (problem,) = problems
        assert "missing" in problem.message


def test_the_demo_settings_fit_the_form_and_lead_to_the_simulator(demo: Demo) -> None:
    assert demo.simulator.name == demo.manifest.id.removeprefix("supplier-")
    assert all(demo.manifest.field(name) for name in demo.values)
    assert {f.name for f in demo.manifest.config_fields if f.required} <= set(demo.values)
    addresses = {f.name for f in demo.manifest.config_fields if f.kind == "url"} & set(demo.values)
    assert addresses
    assert all(demo.values[name].startswith(demo.url) for name in addresses)


def test_the_settings_can_be_tried_and_health_can_be_asked(demo: Demo) -> None:
    hook, config = demo.hook, demo.plugin_config
    assert hook.kameng_check_config(config=config, context=call_context()) == [[]]
    (report,) = hook.kameng_health(config=config, context=call_context())
    assert report.status.value == "ok"


def test_secrets_are_declared_as_such_and_not_shown(demo: Demo) -> None:
    hidden = {f.name for f in demo.manifest.config_fields if f.secret} & set(demo.values)
    assert hidden
    supplier = demo.supplier()
    shown = repr(supplier) + repr(vars(supplier))
    assert not [name for name in hidden if str(demo.values[name]) in shown]


def test_a_purchase_can_be_settled_and_silence_has_rules_of_its_own(demo: Demo) -> None:
    supplier = demo.supplier()
    assert supplier.capabilities & SETTLING
    assert isinstance(supplier.rules, SupplierRules)
    assert supplier.rules is not BaseSupplier.rules


def test_what_is_not_declared_raises_without_a_request(demo: Demo) -> None:
    supplier, able = demo.supplier(), SupplierCapability
    silent = replace(call_context(), http=NoHttp())
    request = WebhookRequest(method="POST", path="/", query="", headers={}, body=b"")
    calls: dict[SupplierCapability, Callable[[], object]] = {
        able.OFFERS: lambda: supplier.list_offers(silent, ""),
        able.QUERY: lambda: supplier.query(silent, "1", ""),
        able.BALANCE: lambda: supplier.balance(silent),
        able.CALLBACK: lambda: supplier.parse_callback(silent, request),
        able.CANCEL: lambda: supplier.cancel(silent, "1", "", ""),
    }
    for capability, call in calls.items():
        if capability not in supplier.capabilities:
            with pytest.raises(CapabilityNotSupported):
                call()


def test_the_list_of_offers_ends_and_shows_cards_and_top_ups(demo: Demo) -> None:
    offers = list(all_offers(demo))
    assert len({offer.sku_ref for offer in offers}) == len(offers) >= 6
    assert {OfferKind.CARD, OfferKind.TOP_UP} <= {offer.kind for offer in offers}
    # Some systems tell no categories; those that do have several.
    assert len({offer.category for offer in offers} - {""}) != 1
    assert all(offer.cost.amount > 0 and offer.name for offer in offers)
    stocked = SupplierCapability.STOCK in demo.supplier().capabilities
    assert any(offer.stock is not None for offer in offers) == stocked


@pytest.mark.parametrize("kind", [OfferKind.CARD, OfferKind.TOP_UP])
def test_a_purchase_succeeds_with_what_was_sold(demo: Demo, kind: OfferKind) -> None:
    request = demo.wish(kind)
    result = demo.final(request)
    assert result.outcome is Outcome.SUCCEEDED
    sale = demo.sales()[0]
    codes = [piece.code.reveal() for piece in result.deliveries if piece.code]
    assert codes == sale["codes"]
    assert bool(codes) == (kind is OfferKind.CARD)
    # A top-up has no receipt, one for all, or one for each piece.
    pieces = {request.quantity} if codes else {0, 1, request.quantity}
    assert len(result.deliveries) in pieces
    if result.cost is not None:
        assert result.cost <= request.max_cost


def test_the_cap_holds(demo: Demo) -> None:
    wish = demo.wish(OfferKind.CARD)
    dear = replace(wish, max_cost=Money(wish.max_cost.amount - 100, wish.max_cost.currency))
    before = demo.facts()["placed"]
    try:
        outcome = demo.placed(dear).outcome
    except PluginError:
        outcome = Outcome.DECLINED
    assert outcome is not Outcome.SUCCEEDED
    assert demo.facts()["placed"] == before


@pytest.mark.parametrize("lie", [lie for lie in ANSWER_LIES if lie != "wrong_signature"])
def test_a_lost_answer_is_never_taken_for_an_outcome(demo: Demo, lie: str) -> None:
    request, before = demo.wish(OfferKind.CARD), demo.facts()["placed"]
    demo.settings(**{f"lie_{lie}": 100, "lie_on": "buy"})
    assert demo.placed(request).outcome is Outcome.UNKNOWN
    assert demo.facts()["placed"] - before == (lie not in LOST)


def test_a_number_that_buys_once_is_sold_once(demo: Demo) -> None:
    supplier, request = demo.supplier(), demo.wish(OfferKind.CARD)
    if not supplier.rules.number_is_idempotent:
        pytest.skip("this supplier's numbers do not buy only once")
    before = demo.facts()["placed"]
    demo.settings(lie_late_success=100, lie_on="buy")
    demo.placed(request)
    demo.settings(lie_late_success=0)
    assert demo.placed(request).outcome is not Outcome.DECLINED
    facts = demo.facts()
    assert (facts["placed"] - before, facts["by_number"]) == (1, [])


def test_an_unknown_number_is_not_found(demo: Demo) -> None:
    supplier = demo.supplier()
    if SupplierCapability.QUERY not in supplier.capabilities:
        pytest.skip("this supplier cannot be asked")
    result = supplier.query(demo.ctx(), "261199999999999999", "")
    assert result.outcome is Outcome.UNKNOWN
    assert not result.found or result.message


def test_true_notices_name_our_purchase_and_forged_ones_are_refused(demo: Demo) -> None:
    supplier = demo.supplier()
    if SupplierCapability.CALLBACK not in supplier.capabilities:
        pytest.skip("this supplier sends no notices")
    demo.subscribe()
    request = demo.wish(OfferKind.CARD)
    demo.placed(request)
    (true, *_) = wait_for(lambda: demo.merchant.notices)
    got = supplier.parse_callback(demo.ctx(), true)
    assert [event.purchase_no for event in got.events] == [request.purchase_no]
    assert got.reply.status == 200
    demo.merchant.notices.clear()
    demo.settings(forged_callbacks="on", callback_times=0)
    demo.placed(demo.wish(OfferKind.CARD))
    (forged, *_) = wait_for(lambda: demo.merchant.notices)
    with pytest.raises(WebhookRefused):
        supplier.parse_callback(demo.ctx(), forged)
