"""Purchases to the end, and how they may end."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kameng_sdk.context import HttpResponse
from kameng_sdk.errors import (
    Declined,
    HttpOutcomeUnknown,
    Misconfigured,
    TemporarilyUnavailable,
)
from kameng_sdk.health import HealthStatus
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import SETTLING, SupplierCapability
from kameng_sdk.testing import DirectHttp
from kameng_supplier_reloadly.exchange import Exchange
from kameng_supplier_reloadly.plugin import kameng_check_config, kameng_health, kameng_manifest
from kameng_supplier_reloadly.transactions import settled

MOBILE, MTN, PIN, STEAM = "topup:88:5", "topup:341:2.5", "topup:535:5", "giftcard:13:25"


def codes(result):
    return [piece.code.reveal() for piece in result.deliveries]


class Watched(DirectHttp):
    """Counts what is sent; `answers` are given in place of the first orders."""

    def __init__(self, *answers: HttpResponse) -> None:
        self.answers, self.sent = list(answers), []

    def request(self, method: str, url: str, **more: Any) -> HttpResponse:
        self.sent.append((method, url.partition("/reloadly/")[2]))
        if self.answers and url.endswith(("/topups-async", "/giftcards/orders")):
            return self.answers.pop(0)
        return super().request(method, url, **more)

    @property
    def orders(self) -> int:
        return sum(url in ("topups/topups-async", "giftcards/orders") for _, url in self.sent)


def refusal(status: int, code: str | None) -> HttpResponse:
    body = json.dumps({"message": "no", "errorCode": code, "details": []}).encode()
    return HttpResponse(status=status, headers={}, body=body)


def test_gift_cards_are_those_that_were_sold(scene):
    result = scene.buy("100000000000000001", STEAM, 3)
    assert result.outcome is Outcome.SUCCEEDED, "its cards are read at once"
    (sale,) = scene.sales("100000000000000001")
    assert codes(result) == sale["codes"]
    assert result.cost == Money.parse("525.60"), "3 × 24.00 at 7.3"
    again = scene.supplier().query(scene.ctx(), "100000000000000001", result.supplier_ref)
    assert (codes(again), again.cost) == (codes(result), result.cost)


def test_a_top_up_reaches_the_number_that_was_given(scene):
    placed = scene.buy("100000000000000002", MTN)
    assert placed.outcome is Outcome.PENDING
    result = scene.settled(scene.supplier(), "100000000000000002", placed.supplier_ref)
    assert result.outcome is Outcome.SUCCEEDED
    (receipt,) = result.deliveries
    assert receipt.code is None
    assert receipt.note.startswith("OP")
    assert result.cost == Money.parse("17.3375"), "2.375 at 7.3"
    assert scene.order("100000000000000002")["inputs"] == {"phone": "8613800138000"}


def test_an_operator_that_gives_pins_delivers_a_card(scene):
    result = scene.bought("100000000000000003", PIN)
    assert codes(result) == scene.order("100000000000000003")["codes"]
    assert result.deliveries[0].number


def test_without_the_transactions_number_both_reports_are_searched(scene):
    for number, sku in (("100000000000000004", MOBILE), ("100000000000000005", STEAM)):
        placed = scene.buy(number, sku)
        result = scene.settled(scene.supplier(), number)
        assert (result.outcome, result.supplier_ref) == (Outcome.SUCCEEDED, placed.supplier_ref)


def test_nothing_under_a_number_is_said_so(scene):
    for ref in ("", "topup:12345", "giftcard:12345"):
        result = scene.supplier().query(scene.ctx(), "100000000000000006", ref)
        assert (result.outcome, result.found) == (Outcome.UNKNOWN, False)


def test_a_used_reference_is_doubt_and_buys_nothing(scene):
    for number, sku in (("100000000000000007", MOBILE), ("100000000000000008", STEAM)):
        scene.buy(number, sku)
        with pytest.raises(HttpOutcomeUnknown, match="DUPLICATE"):
            scene.buy(number, sku)
        assert len(scene.sales(number)) == 1
    assert scene.supplier().rules.number_is_idempotent


def test_an_answer_about_another_purchase_is_not_taken(scene):
    placed = scene.buy("100000000000000009", STEAM)
    with pytest.raises(HttpOutcomeUnknown, match="another"):
        scene.supplier().query(scene.ctx(), "100000000000000010", placed.supplier_ref)


def test_a_price_above_the_cap_is_not_bought(scene):
    cap = Money.parse("350.40")
    scene.buy("100000000000000011", STEAM, 2, max_cost=cap)
    for sku, quantity, most in ((STEAM, 2, cap - Money(1)), (MOBILE, 1, Money.parse("35.4049"))):
        with pytest.raises(Declined, match="price_above_cap"):
            scene.buy("100000000000000012", sku, quantity, max_cost=most)
    assert scene.sales("100000000000000012") == []


@pytest.mark.parametrize(
    ("sku", "quantity", "phone", "code"),
    [
        (MOBILE, 1, "13800138092", "INVALID_RECIPIENT_PHONE"),
        (MOBILE, 1, "", "phone"),
        (MOBILE, 1, "abc", "phone"),
        (MOBILE, 1, "013800138000", "phone"),
        (MOBILE, 2, "8613800138000", "quantity"),
        ("topup:88:6", 1, "8613800138000", "amount"),
        ("topup:99:5", 1, "8613800138000", "not_found"),
        ("giftcard:13:26", 1, "", "unit_price"),
        ("giftcard:99:25", 1, "", "not_found"),
        ("other", 1, "", "sku_ref"),
    ],
)
def test_what_cannot_be_bought_is_a_refusal(scene, sku, quantity, phone, code):
    before = scene.facts()["placed"]
    with pytest.raises(Declined) as refused:
        scene.buy("100000000000000013", sku, quantity, inputs={"phone": phone})
    assert refused.value.code == code
    assert scene.facts()["placed"] == before


def test_an_empty_wallet_is_a_refusal(scene):
    balance = scene.facts()["balance"]
    scene.balance_is("1")
    try:
        for sku in (MOBILE, STEAM):
            with pytest.raises(Declined, match="INSUFFICIENT_BALANCE"):
                scene.buy("100000000000000014", sku)
    finally:
        scene.balance_is(balance)


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [("91", Outcome.DECLINED), ("99", Outcome.UNKNOWN), ("00", Outcome.SUCCEEDED)],
)
def test_money_decides_what_a_failure_means(scene, ending, outcome):
    number = f"2000000000000000{ending}"
    result = scene.bought(number, MOBILE, inputs={"phone": f"861380013{ending}{ending}"})
    assert result.outcome is outcome
    back = result.cost if outcome is Outcome.DECLINED else None
    assert result.refunded == back


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("PROCESSING", Outcome.PENDING), ("PENDING", Outcome.PENDING), ("FAILED", Outcome.UNKNOWN),
     ("SUCCESSFUL", Outcome.SUCCEEDED), ("REFUNDED", Outcome.DECLINED),
     ("DELAYED", Outcome.UNKNOWN), (None, Outcome.UNKNOWN)],
)  # fmt: skip
def test_only_the_documented_states_are_final(status, outcome):
    found = {"transactionId": 1, "status": status}
    assert settled("topup", found, Exchange("USD", Money(1))).outcome is outcome


def test_the_documents_own_examples_cost_what_their_wallets_lost():
    naira = Exchange("NGN", Money.parse("1"))
    topup = {
        "transactionId": 1, "requestedAmount": Decimal("3168.4"), "discount": Decimal("63.37"),
        "requestedAmountCurrencyCode": "NGN",
    }  # fmt: skip
    assert settled("topup", topup, naira).cost == Money.parse("3105.03")
    card = {
        "transactionId": 1, "amount": Decimal("34536.21"), "discount": Decimal("1709.72"),
        "currencyCode": "NGN", "fee": 285, "smsFee": Decimal("56.91"),
    }  # fmt: skip
    assert settled("giftcard", card, naira).cost == Money.parse("32826.49")
    assert settled("giftcard", card | {"currencyCode": "USD"}, naira).cost is None


def test_a_token_is_kept_by_the_object_and_made_for_one_api(scene):
    supplier, http = scene.supplier(), Watched()
    for _ in range(3):
        supplier.balance(replace(scene.ctx(), http=http))
    supplier.list_offers(replace(scene.ctx(), http=http), "giftcard:1")
    assert http.sent.count(("POST", "auth/oauth/token")) == 2


def test_a_token_is_renewed_before_it_ends(scene):
    supplier, http = scene.supplier(), Watched()
    supplier.balance(replace(scene.ctx(), http=http))
    scene.clock.moved = timedelta(hours=23, minutes=56)
    supplier.balance(replace(scene.ctx(), http=http))
    assert http.sent.count(("POST", "auth/oauth/token")) == 2


def test_a_revoked_token_is_renewed_and_the_question_asked_again(scene):
    supplier, http = scene.supplier(), Watched()
    supplier.balance(scene.ctx())
    scene.simulator.tokens.revoke()
    assert supplier.balance(replace(scene.ctx(), http=http))
    assert [url for _, url in http.sent] == [
        "topups/accounts/balance", "auth/oauth/token", "topups/accounts/balance",
    ]  # fmt: skip


@pytest.mark.parametrize("sku", [MOBILE, STEAM])
def test_an_order_refused_at_the_door_is_sent_once_more_with_a_new_token(scene, sku):
    http = Watched(refusal(401, "TOKEN_EXPIRED"))
    number = f"30000000000000000{[MOBILE, STEAM].index(sku)}"
    request = scene.purchase_request(number, sku, inputs={"phone": "8613800138000"})
    result = scene.supplier().purchase(replace(scene.ctx(), http=http), request)
    assert result.supplier_ref
    assert http.orders == 2
    assert len(scene.sales(number)) == 1


def test_a_door_that_stays_shut_is_a_refusal(scene):
    http = Watched(refusal(401, "INVALID_TOKEN"), refusal(401, "INVALID_TOKEN"))
    with pytest.raises(Declined, match="INVALID_TOKEN"):
        scene.supplier().purchase(
            replace(scene.ctx(), http=http), scene.purchase_request("300000000000000010", STEAM)
        )
    assert http.orders == 2


@pytest.mark.parametrize(
    "answer",
    [
        refusal(401, None), refusal(401, "SOMETHING"), refusal(403, "INVALID_TOKEN"),
        refusal(400, None), refusal(400, "TOPUP_TRANSACTION_FAILED"),
        refusal(429, "INVALID_AMOUNT"), refusal(200, "INSUFFICIENT_BALANCE"),
        HttpResponse(status=401, headers={}, body=b"<html>"),
        HttpResponse(status=307, headers={"location": "https://evil.test"}, body=b"{}"),
        HttpResponse(status=503, headers={}, body=b"{}"),
        HttpResponse(status=200, headers={}, body=b"[]"),
        HttpResponse(status=200, headers={}, body=b'{"status": "SUCCESSFUL"}'),
        HttpResponse(status=200, headers={}, body=b'{"transactionId": true}'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sku", [MOBILE, STEAM])
def test_any_other_answer_to_an_order_is_doubt_and_is_not_repeated(scene, sku, answer):
    http = Watched(answer)
    request = scene.purchase_request("300000000000000011", sku, inputs={"phone": "8613800138000"})
    with pytest.raises(HttpOutcomeUnknown):
        scene.supplier().purchase(replace(scene.ctx(), http=http), request)
    assert http.orders == 1


def test_wrong_credentials_are_a_matter_of_settings_in_every_question(scene):
    supplier = scene.supplier(client_secret="wrong")
    for ask in (
        lambda: supplier.balance(scene.ctx()),
        lambda: supplier.list_offers(scene.ctx(), ""),
        lambda: supplier.query(scene.ctx(), "1", ""),
        lambda: supplier.purchase(scene.ctx(), scene.purchase_request("1", STEAM)),
    ):
        with pytest.raises(Misconfigured):
            ask()


@pytest.mark.parametrize("path", ["oauth/token", "products/13"])
@pytest.mark.parametrize(
    "answer", [HttpResponse(status=500, headers={}, body=b""), refusal(429, "SLOW_DOWN")]
)
def test_trouble_before_the_order_leaves_the_purchase_for_later(scene, path, answer):
    class Troubled(Watched):
        def request(self, method: str, url: str, **more: Any) -> HttpResponse:
            return answer if url.endswith(path) else super().request(method, url, **more)

    http = Troubled()
    with pytest.raises(TemporarilyUnavailable):
        scene.supplier().purchase(
            replace(scene.ctx(), http=http), scene.purchase_request("300000000000000012", STEAM)
        )
    assert http.orders == 0


def test_cards_that_cannot_be_read_yet_stay_pending(scene):
    class Late(Watched):
        def request(self, method: str, url: str, **more: Any) -> HttpResponse:
            if url.endswith("/cards"):
                raise HttpOutcomeUnknown("late")
            return super().request(method, url, **more)

    ctx = replace(scene.ctx(), http=Late())
    number = "300000000000000013"
    result = scene.supplier().purchase(ctx, scene.purchase_request(number, STEAM))
    assert (result.outcome, result.deliveries) == (Outcome.PENDING, ())
    assert scene.settled(scene.supplier(), number, result.supplier_ref).deliveries


def test_a_report_that_does_not_filter_proves_no_absence(scene):
    rows = [{"customIdentifier": f"other-{n}", "transactionId": n} for n in range(100)]

    class Unfiltered(Watched):
        def request(self, method: str, url: str, **more: Any) -> HttpResponse:
            if "reports" in url:
                return HttpResponse(status=200, headers={}, body=json.dumps(rows).encode())
            return super().request(method, url, **more)

    ctx = replace(scene.ctx(), http=Unfiltered())
    result = scene.supplier().query(ctx, "300000000000000014", "")
    assert (result.outcome, result.found) == (Outcome.UNKNOWN, True)
    rows[:] = [{"customIdentifier": "300000000000000014", "transactionId": 1}]
    both = scene.supplier().query(ctx, "300000000000000014", "")
    assert (both.outcome, both.found) == (Outcome.UNKNOWN, True), "one in each report"


def test_settings_are_tried_without_an_order(scene):
    assert kameng_check_config(scene.config(), scene.ctx()) == []
    for change in ({"client_secret": "x"}, {"currency": "EUR"}):
        (problem,) = kameng_check_config(scene.config(**change), scene.ctx())
        assert problem.message


def test_health_tells_the_wallet_and_warns_in_time(scene):
    assert kameng_health(scene.config(), scene.ctx()).status is HealthStatus.OK
    low = kameng_health(scene.config(low_balance=Money.parse("999999999")), scene.ctx())
    assert low.status is HealthStatus.DEGRADED
    down = kameng_health(scene.config(client_id="x"), scene.ctx())
    assert down.status is HealthStatus.DOWN


def test_the_manifest_keeps_it_with_the_main_station():
    manifest = kameng_manifest()
    assert (manifest.restricted, manifest.api_version) == (True, (1, 2))
    assert {field.scope for field in manifest.config_fields} == {"main"}


def test_webhooks_are_declared_when_they_can_be_checked(scene):
    with_hooks = SupplierCapability.QUERY | SupplierCapability.CALLBACK
    assert scene.supplier().capabilities & SETTLING == with_hooks
    assert scene.supplier(webhook_secret="").capabilities & SETTLING == SupplierCapability.QUERY


def test_no_token_and_no_secret_is_shown(scene):
    supplier = scene.supplier()
    supplier.balance(scene.ctx())
    shown = repr(supplier._client._tokens) + repr(supplier._account)
    assert supplier._client._tokens["topup"].text not in shown
    assert scene.simulator.demo_config()["client_secret"] not in shown
