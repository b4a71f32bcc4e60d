"""Purchases to the end, and how they may end."""

from dataclasses import replace
from typing import Any

import pytest

from kameng_sdk.context import HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown
from kameng_sdk.health import HealthStatus
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import SETTLING, SupplierCapability
from kameng_sdk.testing import DirectHttp
from kameng_supplier_kameng.plugin import kameng_check_config, kameng_health, kameng_manifest

STEAM_50, STEAM_100, PHONE, GAME = "STEAM-50", "STEAM-100", "PHONE-50", "PUBG-660"


def codes(result):
    return [piece.code.reveal() for piece in result.deliveries]


def test_cards_come_with_the_order_as_they_were_sold(scene):
    result = scene.buy("100000000000000001", STEAM_50, 3)
    assert result.outcome is Outcome.SUCCEEDED
    (sale,) = scene.sales("100000000000000001")
    assert codes(result) == sale["codes"]
    assert len(set(codes(result))) == 3
    assert all(piece.number for piece in result.deliveries)
    assert result.cost == Money.parse("47.70") * 3
    assert not result.refunded


def test_a_top_up_reaches_the_account_that_was_given(scene):
    result = scene.bought("100000000000000002", PHONE, 2, inputs={"phone": "13800138000"})
    assert result.outcome is Outcome.SUCCEEDED
    assert [(piece.code, piece.note) for piece in result.deliveries] == [(None, "充值成功")]
    assert scene.order("100000000000000002")["inputs"] == {"phone": "13800138000"}


def test_a_repeated_number_answers_with_the_first_order_and_buys_nothing(scene):
    first = scene.buy("100000000000000003", STEAM_50)
    again = scene.buy("100000000000000003", STEAM_50)
    assert again.supplier_ref == first.supplier_ref != ""
    assert codes(again) == codes(first)
    assert len(scene.sales("100000000000000003")) == 1


def test_our_number_with_other_goods_is_doubt_and_no_refusal(scene):
    scene.buy("100000000000000004", STEAM_50)
    result = scene.buy("100000000000000004", STEAM_100)
    assert (result.outcome, result.deliveries) == (Outcome.UNKNOWN, ())
    assert len(scene.sales("100000000000000004")) == 1


def test_what_is_not_delivered_can_be_asked_back(scene):
    scene.settings(top_up_ms=60_000)
    number, supplier = "100000000000000005", scene.supplier()
    placed = scene.buy(number, PHONE, inputs={"phone": "13800138000"})
    assert placed.outcome is Outcome.PENDING
    assert supplier.query(scene.ctx(), number, "").outcome is Outcome.PENDING
    before = Money.parse(scene.facts()["balance"])
    result = supplier.cancel(scene.ctx(), number, placed.supplier_ref, "买家不要了")
    assert (result.outcome, result.refunded) == (Outcome.DECLINED, Money.parse("49.20"))
    assert Money.parse(scene.facts()["balance"]) == before + Money.parse("49.20")


def test_what_is_delivered_is_not_asked_back(scene):
    number = "100000000000000006"
    done = scene.buy(number, STEAM_50)
    result = scene.supplier().cancel(scene.ctx(), number, done.supplier_ref, "太晚")
    assert (result.outcome, codes(result)) == (Outcome.SUCCEEDED, codes(done))
    assert scene.order(number)["state"] == "done"


def test_what_came_back_later_is_seen_by_a_question(scene):
    number = "100000000000000007"
    done = scene.buy(number, STEAM_50)
    scene.control(number, "refund", amount="10.00")
    result = scene.supplier().query(scene.ctx(), number, done.supplier_ref)
    assert (result.outcome, result.refunded) == (Outcome.SUCCEEDED, Money.parse("10"))
    assert codes(result) == codes(done)


def test_a_price_above_the_cap_is_not_bought(scene):
    scene.goods(STEAM_100, cost="95.41")
    with pytest.raises(Declined, match="max_total_exceeded"):
        scene.buy("100000000000000008", STEAM_100, 2, max_cost=Money.parse("190.81"))
    assert scene.sales("100000000000000008") == []
    assert scene.buy("100000000000000008", STEAM_100, 2, max_cost=Money.parse("190.82"))


@pytest.mark.parametrize(
    ("sku_ref", "quantity", "inputs", "code"),
    [
        (PHONE, 1, {"phone": "13800138092"}, "inputs_invalid"),
        (GAME, 1, {"player_id": "7"}, "inputs_invalid"),
        ("NOTHING-1", 1, {}, "sku_unknown"),
        ("SKIN-1", 1, {}, "not_on_sale"),
        ("IQIYI-30", 6, {}, "quantity_invalid"),
        (STEAM_100, 99, {}, "out_of_stock"),
    ],
)
def test_a_documented_no_is_a_refusal(scene, sku_ref, quantity, inputs, code):
    before = scene.facts()["placed"]
    with pytest.raises(Declined) as refused:
        scene.buy("100000000000000009", sku_ref, quantity, inputs=inputs)
    assert refused.value.code == code
    assert scene.facts()["placed"] == before


def test_too_little_balance_is_a_refusal(scene):
    balance = scene.facts()["balance"]
    scene.balance_is("1")
    try:
        with pytest.raises(Declined, match="insufficient_balance"):
            scene.buy("100000000000000010", STEAM_50)
    finally:
        scene.balance_is(balance)
    assert scene.sales("100000000000000010") == []


@pytest.mark.parametrize("change", [{"secret": "wrong"}, {"key_id": "KM0000000000000000"}])
def test_at_a_locked_door_nothing_is_bought(scene, change):
    request = scene.purchase_request("100000000000000011", STEAM_50)
    with pytest.raises(Declined):
        scene.supplier(**change).purchase(scene.ctx(), request)
    assert scene.sales("100000000000000011") == []


ENDINGS = [("13800138090", Outcome.SUCCEEDED), ("13800138091", Outcome.DECLINED)]


@pytest.mark.parametrize(("account", "outcome"), ENDINGS)
def test_money_decides_how_an_order_ended(scene, account, outcome):
    number = f"2000000000{account[-8:]}"
    result = scene.bought(number, PHONE, inputs={"phone": account})
    assert result.outcome is outcome
    assert result.refunded == Money.parse(scene.order(number)["refunded"])


def test_as_long_as_the_money_is_not_back_it_is_not_over(scene):
    number = "200000000000000099"
    scene.buy(number, PHONE, inputs={"phone": "13800138099"})
    scene.control(number, "owe")
    result = scene.supplier().query(scene.ctx(), number, "")
    assert (result.outcome, result.refunded) == (Outcome.PENDING, Money.zero())


def test_no_such_order_is_no_refusal(scene):
    result = scene.supplier().query(scene.ctx(), "300000000000000002", "")
    assert (result.outcome, result.found) == (Outcome.UNKNOWN, False)


def test_an_order_that_is_not_ours_is_not_taken_for_it(scene):
    placed = scene.buy("300000000000000003", STEAM_50)
    with pytest.raises(HttpOutcomeUnknown, match="another order"):
        scene.supplier().query(scene.ctx(), "300000000000000003", f"{placed.supplier_ref}0")


class Elsewhere(DirectHttp):
    """Orders are sent to another address; everything else is answered."""

    def request(self, method: str, url: str, **more: Any) -> HttpResponse:
        if method == "POST":
            return HttpResponse(status=302, headers={"location": "https://evil.test"}, body=b"")
        return super().request(method, url, **more)


def test_a_redirected_order_is_not_followed_and_proves_nothing(scene):
    ctx = replace(scene.ctx(), http=Elsewhere())
    with pytest.raises(HttpOutcomeUnknown, match="302"):
        scene.supplier().purchase(ctx, scene.purchase_request("300000000000000004", STEAM_50))


def test_settings_are_tried_without_an_order(scene):
    assert kameng_check_config(scene.config(), scene.ctx()) == []
    (problem,) = kameng_check_config(scene.config(secret="x"), scene.ctx())
    assert "signature_invalid" in problem.message


def test_health_tells_the_balance(scene):
    report = kameng_health(scene.config(), scene.ctx())
    assert (report.status, report.facts["balance"]) == (
        HealthStatus.OK, scene.facts()["balance"],
    )  # fmt: skip
    assert kameng_health(scene.config(secret="x"), scene.ctx()).status is HealthStatus.DOWN


def test_the_manifest_keeps_it_with_the_main_station():
    manifest = kameng_manifest()
    assert (manifest.restricted, manifest.api_version) == (True, (1, 2))
    assert {field.scope for field in manifest.config_fields} == {"main"}


def test_what_is_declared_settles_what_is_open(scene):
    able, rules = scene.supplier().capabilities, scene.supplier().rules
    assert able & SETTLING == SupplierCapability.QUERY | SupplierCapability.CALLBACK
    assert rules.number_is_idempotent
    assert rules.not_found_means_nothing_s == 60
