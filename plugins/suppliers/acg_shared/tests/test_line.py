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
from kameng_supplier_acg_shared.account import StoreAccount
from kameng_supplier_acg_shared.supplier import AcgSupplier

PRICES: dict[str, object] = {
    "shared": {"code": 200, "data": {"price": "1.00"}},
    "v4": {"code": 200, "data": {"amount": "1.00"}},
}
REQUEST = PurchaseRequest(
    purchase_no="26080000000000000001", sku_ref="c/1", quantity=1, inputs={},
    max_cost=Money.parse("2"),
)  # fmt: skip
both = pytest.mark.parametrize("flavour", ["shared", "v4"])


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
    values = {"base_url": "https://peer.example", "flavour": flavour, "app_id": "7", "app_key": "K"}
    supplier = AcgSupplier(StoreAccount.from_config(plugin_config(values, ["app_key"])))
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
    result = buy(flavour, Line(answer({"status": 0, "code": 200, "data": {}})))
    assert result.outcome is (Outcome.PENDING if flavour == "v4" else Outcome.UNKNOWN)
    assert not result.deliveries


def test_a_price_that_rose_in_between_is_seen_by_the_cost() -> None:
    sold = {"tradeNo": "5", "amount": "3.00", "secret": "A----B"}
    result = buy("shared", Line(answer({"code": 200, "data": sold})))
    assert (result.outcome, result.cost) == (Outcome.SUCCEEDED, Money.parse("3"))
