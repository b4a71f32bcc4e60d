"""One request buys, whatever the line does: redirects, refused connections, odd answers."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from kameng_sdk.context import HttpResponse
from kameng_sdk.errors import Declined, HttpNeverSent, HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import PurchaseRequest, PurchaseResult
from kameng_sdk.testing import call_context, plugin_config
from kameng_supplier_yile.account import YileAccount
from kameng_supplier_yile.supplier import YileSupplier

PRICES: dict[str, object] = {
    "community": {"status": 0, "data": {"gid": 1, "name": "卡", "price": "1", "inputs": []}},
    "sup": {"code": 0, "data": {"id": 1, "name": "卡", "price": "1", "buy_params": []}},
}
REQUEST = PurchaseRequest(
    purchase_no="26080000000000000001", sku_ref="1", quantity=1, inputs={},
    max_cost=Money.parse("2"),
)  # fmt: skip
both = pytest.mark.parametrize("flavour", ["community", "sup"])


def answer(fields: object, status: int = 200) -> HttpResponse:
    return HttpResponse(status=status, headers={}, body=json.dumps(fields).encode())


@dataclass
class Line:
    """Tells the price, then does as it is told with the request that buys."""

    then: HttpResponse | Exception
    flavour: str = ""
    sent: list[str] = field(default_factory=list)

    def request(self, method: str, url: str, **given: Any) -> HttpResponse:
        self.sent.append(url)
        if len(self.sent) == 1:
            return answer(PRICES[self.flavour])
        if isinstance(self.then, Exception):
            raise self.then
        return self.then


def buy(flavour: str, line: Line) -> PurchaseResult:
    line.flavour = flavour
    values = {"base_url": "http://peer.example", "flavour": flavour, "app_id": "7", "secret": "K"}
    supplier = YileSupplier(YileAccount.from_config(plugin_config(values, ["secret"])))
    try:
        return supplier.purchase(replace(call_context(), http=line), REQUEST)
    finally:
        assert len(line.sent) == 2, "one question for the price, and one request that buys"


@both
@pytest.mark.parametrize("status", [301, 302, 307, 308, 500, 503])
def test_a_redirect_or_a_failure_after_the_purchase_is_unknown(flavour: str, status: int) -> None:
    with pytest.raises(HttpOutcomeUnknown):
        buy(flavour, Line(answer({}, status)))


@both
def test_a_purchase_that_never_left_is_declined(flavour: str) -> None:
    with pytest.raises(Declined) as refused:
        buy(flavour, Line(HttpNeverSent()))
    assert refused.value.code == "not_sent"


@both
@pytest.mark.parametrize("body", [[], "text", None, 5])
def test_an_answer_that_is_no_object_is_unknown(flavour: str, body: object) -> None:
    with pytest.raises(HttpOutcomeUnknown):
        buy(flavour, Line(answer(body)))


@both
def test_a_success_without_an_order_number_is_unknown_or_asked_by_our_own(flavour: str) -> None:
    result = buy(flavour, Line(answer({"status": 0, "code": 0, "data": {}})))
    assert result.outcome is Outcome.UNKNOWN
    assert not result.deliveries


def test_a_price_that_rose_in_between_is_seen_by_the_cost() -> None:
    cards = {"id": 5, "amount": "3", "buy_card_code_list": ["A----B"]}
    result = buy("sup", Line(answer({"code": 0, "data": cards})))
    assert (result.outcome, result.cost) == (Outcome.SUCCEEDED, Money.parse("3"))
