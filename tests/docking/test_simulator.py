"""The plugin's simulator is held against a real Kameng: the same words, fields and refusals."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest

from kameng.openapi.domain.refusals import REFUSALS
from kameng.plugins.http import GuardedClient
from kameng_sdk.context import HttpResponse
from kameng_sdk.errors import HttpOutcomeUnknown, Misconfigured
from kameng_sdk.secrets import Secret
from kameng_sdk.testing import HandClock, call_context, simulating
from kameng_supplier_kameng.account import KamengAccount
from kameng_supplier_kameng.client import call
from kameng_supplier_kameng.refusals import NUMBERS
from kameng_supplier_kameng.simulator import KamengSimulator
from kameng_supplier_kameng.simulator.door import NUMBERS as SIMULATED

from .dock import Dock
from .tongues import NATIVE

UNKNOWN_KEY = "KM0000000000000000"


@dataclass
class Side:
    """One of the two, asked as the plugin asks; with goods of each kind."""

    account: KamengAccount
    card: str
    top_up: str
    heard: HttpResponse | None = None

    @classmethod
    def of(cls, values: Any, card: str, top_up: str) -> Side:
        account = KamengAccount(
            base_url=values["base_url"], key_id=values["key_id"], secret=Secret(values["secret"])
        )
        return cls(account, card, top_up)

    def request(self, *args: Any, **more: Any) -> HttpResponse:
        """In the place of the plugin's way out."""
        there = urlsplit(self.account.base_url)
        client = GuardedClient(
            deadline=monotonic() + 10, clock=HandClock(),
            exempt=frozenset({(str(there.hostname), int(there.port or 0))}),
        )  # fmt: skip
        self.heard = client.request(*args, **more)
        return self.heard

    def ask(self, method: str, what: str, fields: Any = None, **changes: Any) -> Any:
        """Status, kind and shape of the answer; `$card` and `$top_up` are this side's goods."""
        ctx = replace(call_context(), http=self)
        given = fields and {name: self._named(value) for name, value in fields.items()}
        # What the plugin makes of a refusal is tested beside it.
        with suppress(HttpOutcomeUnknown, Misconfigured):
            call(ctx, replace(self.account, **changes), method, self._named(what), given)
        assert self.heard is not None
        kind = self.heard.headers["content-type"].partition(";")[0]
        return self.heard.status, kind, shape(json.loads(self.heard.body))

    def _named(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return value.replace("$card", self.card).replace("$top_up", self.top_up)


def shape(value: Any) -> Any:
    """Names and kinds; of a refusal the word too, and no facts beside it."""
    if isinstance(value, dict) and "request_id" in value:
        names = ("type", "title", "status", "code", "number", "request_id")
        return {name: type(value[name]).__name__ for name in names} | {"code": value["code"]}
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def order(number: str, sku: str = "$card", **more: Any) -> Any:
    return ("POST", "orders", {"sku": sku, "quantity": 1, "merchant_order_no": number} | more)


PHONED: dict[str, Any] = {"inputs": {"phone": "13800000001"}}
CALLS: tuple[tuple[Any, ...], ...] = (
    ("GET", "account"),
    ("GET", "products/$card"),
    ("GET", "products/$top_up"),
    ("GET", "products/NOTHING"),
    ("GET", "products?limit=1"),
    ("GET", "products?cursor=,,"),
    ("GET", "orders/NOTHING"),
    ("GET", "orders?merchant_order_no=NOTHING"),
    order("S1"),
    order("S1"),
    order("S1", "$top_up", **PHONED),
    ("GET", "orders?merchant_order_no=S1"),
    order("S2", "$top_up", **PHONED),
    ("GET", "orders?merchant_order_no=S2"),
    order("S3", "$top_up"),
    order("S3", "NOTHING"),
    order("S3", quantity=0),
    order("S3", max_total="0.01"),
    order("S3", max_total="much"),
    order("S3", more=1),
    order("S3", quantity=999),
    order("S3", notify_url="ftp://example.com"),
    ("POST", "orders", {"sku": "$card"}),
    order(""),
)


def test_words_and_numbers_are_those_of_the_catalogue() -> None:
    assert {code: REFUSALS[code].number for code in NUMBERS} == NUMBERS
    assert {code: REFUSALS[code].number for code in SIMULATED} == SIMULATED


@pytest.fixture
def sides(dock: Dock, tmp_path: Any) -> Any:
    a = dock.pair.a
    card, top_up = a.goods("card", 10_0000, cards=3), a.goods("top_up", 10_0000)
    real = Side.of(dock.values, card, top_up)
    with simulating(KamengSimulator, tmp_path) as (simulator, _url):
        yield Side.of(simulator.demo_config(), "STEAM-50", "PHONE-50"), real


@pytest.mark.parametrize("dock", [NATIVE], ids=str, indirect=True)
def test_simulated_answers_look_like_real_ones(sides: Any) -> None:
    simulated, real = sides
    pairs = [(asked, simulated.ask(*asked), real.ask(*asked)) for asked in CALLS]
    assert [pair for pair in pairs if pair[1] != pair[2]] == []


@pytest.mark.parametrize("dock", [NATIVE], ids=str, indirect=True)
@pytest.mark.parametrize("change", [{"key_id": UNKNOWN_KEY}, {"secret": Secret("wrong")}])
def test_both_doors_refuse_alike(sides: Any, change: Any) -> None:
    simulated, real = sides
    assert simulated.ask("GET", "account", **change) == real.ask("GET", "account", **change)
