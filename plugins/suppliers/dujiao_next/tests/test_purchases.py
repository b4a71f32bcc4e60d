"""Purchases to the end, and how they may end."""

from dataclasses import replace
from typing import Any

import pytest

from kameng_sdk.context import HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown, TemporarilyUnavailable
from kameng_sdk.health import HealthStatus
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import SETTLING, SupplierCapability
from kameng_sdk.testing import DirectHttp
from kameng_supplier_dujiao_next.orders import result_of
from kameng_supplier_dujiao_next.plugin import kameng_check_config, kameng_health, kameng_manifest

STEAM_50, STEAM_100, PHONE = "101:1001", "101:1002", "104:1005"


def codes(result):
    return [piece.code.reveal() for piece in result.deliveries]


def test_cards_are_those_that_the_site_sold(scene):
    result = scene.bought("100000000000000001", STEAM_50, 3)
    assert result.outcome is Outcome.SUCCEEDED
    (sale,) = scene.sales("100000000000000001")
    assert codes(result) == sale["codes"]
    assert len(set(codes(result))) == 3
    assert result.cost == Money.parse("47.80") * 3
    assert not result.refunded


def test_a_top_up_reaches_the_account_that_was_given(scene):
    result = scene.bought("100000000000000002", PHONE, inputs={"account": "13800138000"})
    assert result.outcome is Outcome.SUCCEEDED
    assert [(piece.code, piece.note) for piece in result.deliveries] == [(None, "充值成功")]
    assert scene.order("100000000000000002")["inputs"] == {"account": "13800138000"}


def test_a_repeated_number_answers_with_the_first_order_and_buys_nothing(scene):
    first = scene.buy("100000000000000003", STEAM_50)
    again = scene.buy("100000000000000003", STEAM_50)
    assert again.supplier_ref == first.supplier_ref != ""
    assert len(scene.sales("100000000000000003")) == 1
    assert scene.supplier().rules.number_is_idempotent


def test_an_open_order_is_pending_and_can_be_taken_back(scene):
    scene.settings(top_up_ms=60_000)
    placed = scene.buy("100000000000000004", PHONE, inputs={"account": "13800138000"})
    assert placed.outcome is Outcome.PENDING
    supplier, number, ref = scene.supplier(), "100000000000000004", placed.supplier_ref
    assert supplier.query(scene.ctx(), number, ref).outcome is Outcome.PENDING
    before = Money.parse(scene.facts()["balance"])
    result = supplier.cancel(scene.ctx(), number, ref, "买家不要了")
    assert (result.outcome, result.refunded) == (Outcome.DECLINED, Money.parse("49.25"))
    assert Money.parse(scene.facts()["balance"]) == before + Money.parse("49.25")


def test_a_delivered_order_is_not_taken_back(scene):
    done = scene.bought("100000000000000005", STEAM_50)
    supplier, number = scene.supplier(), "100000000000000005"
    result = supplier.cancel(scene.ctx(), number, done.supplier_ref, "太晚")
    assert result.outcome is Outcome.SUCCEEDED
    assert codes(result) == codes(done)


def test_what_came_back_later_is_seen_by_a_query(scene):
    number = "100000000000000006"
    done = scene.bought(number, STEAM_50)
    scene.control(number, "refund", amount="10.00")
    result = scene.supplier().query(scene.ctx(), number, done.supplier_ref)
    assert (result.outcome, result.refunded) == (Outcome.SUCCEEDED, Money.parse("10"))


def test_a_price_above_the_cap_is_not_bought(scene):
    scene.goods(STEAM_100, cost="95.41")
    with pytest.raises(Declined, match="price_above_cap"):
        scene.buy("100000000000000007", STEAM_100, 2, max_cost=Money.parse("190.81"))
    assert scene.sales("100000000000000007") == []
    assert scene.buy("100000000000000007", STEAM_100, 2, max_cost=Money.parse("190.82"))


@pytest.mark.parametrize(
    ("sku_ref", "quantity", "inputs", "code"),
    [
        ("104:1005", 1, {"account": "13800138092"}, "bad_request"),
        ("105:1006", 1, {"player_id": "7"}, "bad_request"),
        ("101:9999", 1, {}, "sku_unavailable"),
        ("999:1", 1, {}, "product_not_found"),
        ("107:1008", 1, {}, "product_unavailable"),
        ("101:1002", 99, {}, "insufficient_stock"),
        ("1001", 1, {}, "sku_ref"),
        ("101:1e3", 1, {}, "sku_ref"),
    ],
)  # fmt: skip
def test_a_documented_no_is_a_refusal(scene, sku_ref, quantity, inputs, code):
    before = scene.facts()["placed"]
    with pytest.raises(Declined) as refused:
        scene.buy("100000000000000008", sku_ref, quantity, inputs=inputs)
    assert refused.value.code == code
    assert scene.facts()["placed"] == before


def test_an_empty_wallet_is_a_refusal_although_it_comes_with_http_200(scene):
    balance = scene.facts()["balance"]
    scene.balance_is("1")
    try:
        with pytest.raises(Declined, match="payment_failed"):
            scene.buy("100000000000000009", STEAM_50)
    finally:
        scene.balance_is(balance)
    assert scene.sales("100000000000000009") == []


ENDINGS = [("13800138090", Outcome.SUCCEEDED), ("13800138091", Outcome.DECLINED),
           ("13800138099", Outcome.UNKNOWN)]  # fmt: skip


@pytest.mark.parametrize(("account", "outcome"), ENDINGS)
def test_money_decides_what_a_canceled_order_means(scene, account, outcome):
    number = f"2000000000{account[-8:]}"
    result = scene.bought(number, PHONE, inputs={"account": account})
    assert result.outcome is outcome
    taken = Money.parse(scene.order(number)["refunded"])
    assert result.refunded == taken or (outcome is Outcome.UNKNOWN and not taken)


def test_without_the_orders_number_there_is_no_answer_and_nobody_is_asked(scene):
    for result in (
        scene.supplier().query(scene.ctx(), "300000000000000001", ""),
        scene.supplier().cancel(scene.ctx(), "300000000000000001", "", "x"),
    ):
        assert (result.outcome, result.found) == (Outcome.UNKNOWN, True)
        assert "上游订单号" in result.message
    assert scene.supplier().rules.not_found_means_nothing_s is None


def test_no_such_order_is_no_refusal(scene):
    result = scene.supplier().query(scene.ctx(), "300000000000000002", "123456")
    assert (result.outcome, result.found) == (Outcome.UNKNOWN, False)


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        ({"status": "partially_delivered"}, Outcome.PENDING),
        ({"status": "pending_payment"}, Outcome.PENDING),
        ({"status": "delivered"}, Outcome.PENDING),
        ({"status": "refunded"}, Outcome.UNKNOWN),
        ({"status": None}, Outcome.UNKNOWN),
        ({}, Outcome.UNKNOWN),
        ({"status": "canceled"}, Outcome.DECLINED),
        ({"status": "canceled", "amount": "9.90", "refunded_amount": "9.89"}, Outcome.UNKNOWN),
    ],
)
def test_only_the_documented_states_are_final(order: dict[str, Any], outcome: Outcome):
    assert result_of({"order_id": 1, "currency": "CNY", **order}).outcome is outcome


@pytest.mark.parametrize(
    ("payload", "quantity"), [("A\nB", 3), ("A\nB\nC\nD", 3), ("A\nB\nA", 3), ("\n \n", None)]
)
def test_cards_that_do_not_add_up_are_not_handed_out(payload, quantity):
    fulfillment = {"type": "auto", "payload": payload}
    order = {"order_id": 1, "status": "completed", "fulfillment": fulfillment}
    result = result_of(order | ({"items": [{"quantity": quantity}]} if quantity else {}))
    assert (result.outcome, result.deliveries) == (Outcome.UNKNOWN, ())
    assert "A" not in result.message


def test_sums_in_another_currency_are_no_yuan():
    order = {"order_id": 1, "status": "paid", "amount": "9.90", "currency": "USD"}
    assert result_of(order).cost is None


def test_settings_are_tried_without_an_order(scene):
    assert kameng_check_config(scene.config(), scene.ctx()) == []
    (problem,) = kameng_check_config(scene.config(api_secret="x"), scene.ctx())
    assert "invalid_signature" in problem.message


def test_health_tells_the_wallet_and_warns_in_time(scene):
    report = kameng_health(scene.config(low_balance=Money.parse("1")), scene.ctx())
    assert (report.status, report.facts["balance"]) == (
        HealthStatus.OK, scene.facts()["balance"],
    )  # fmt: skip
    low = kameng_health(scene.config(low_balance=Money.parse("999999999")), scene.ctx())
    assert low.status is HealthStatus.DEGRADED
    down = kameng_health(scene.config(api_key="x"), scene.ctx())
    assert down.status is HealthStatus.DOWN


def test_the_manifest_keeps_it_with_the_main_station():
    manifest = kameng_manifest()
    assert (manifest.restricted, manifest.api_version) == (True, (1, 2))
    assert {field.scope for field in manifest.config_fields} == {"main"}


def test_a_line_may_have_the_cards_number_before_its_code():
    payload = "N1----C1\nC2\nN3----\na----b----C4"
    told = {
        "order_id": 1,
        "status": "delivered",
        "fulfillment": {"type": "auto", "payload": payload},
    }
    result = result_of(told)
    assert [(piece.number, piece.code.reveal()) for piece in result.deliveries] == [
        ("N1", "C1"), ("", "C2"), ("", "N3----"), ("a----b", "C4"),
    ]  # fmt: skip


def test_what_is_declared_settles_what_is_open(scene):
    able = scene.supplier().capabilities
    assert able & SETTLING == SupplierCapability.QUERY | SupplierCapability.CALLBACK
    assert SupplierCapability.PARTIAL not in able


@pytest.mark.parametrize("lie", ["html", "silent", "ok_with_error"])
def test_a_price_that_cannot_be_read_leaves_the_purchase_for_later(scene, lie):
    # Told at the question before the order: nothing that buys was sent.
    scene.settings(lie_on="query", **{f"lie_{lie}": 100})
    with pytest.raises(TemporarilyUnavailable):
        scene.buy("300000000000000003", STEAM_50)
    assert scene.sales("300000000000000003") == []


class Elsewhere(DirectHttp):
    """The site sends orders to another address; everything else is answered."""

    def request(self, method: str, url: str, **more: Any) -> HttpResponse:
        if method == "POST":
            return HttpResponse(status=302, headers={"location": "https://evil.test"}, body=b"")
        return super().request(method, url, **more)


def test_a_redirected_order_is_not_followed_and_proves_nothing(scene):
    ctx = replace(scene.ctx(), http=Elsewhere())
    with pytest.raises(HttpOutcomeUnknown, match="302"):
        scene.supplier().purchase(ctx, scene.purchase_request("300000000000000004", STEAM_50))
