"""Purchases over HTTP to their end, and every lie of the warehouse."""

from datetime import timedelta
from typing import Any

import pytest

from kameng_sdk.errors import Declined, HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import PurchaseResult

PHONE = {"recharge_account": "13800138000"}


def bought(scene: Any, number: str, **changes: Any) -> PurchaseResult:
    """The answer, or UNKNOWN as the host would make it."""
    request = scene.purchase_request(number, changes.pop("sku_ref", "2901"), 2, **changes)
    try:
        return scene.supplier().purchase(scene.ctx(), request)
    except HttpOutcomeUnknown:
        return PurchaseResult(outcome=Outcome.UNKNOWN)


def given(result: PurchaseResult) -> list[str]:
    return [piece.code.reveal() for piece in result.deliveries if piece.code is not None]


def test_cards_are_bought_and_read_with_a_question(scene: Any) -> None:
    placed = bought(scene, "C1")
    assert (placed.outcome, placed.cost) == (Outcome.PENDING, Money(936_000))
    done = scene.settled(scene.supplier(), "C1", placed.supplier_ref)
    assert done.outcome is Outcome.SUCCEEDED
    assert given(done) == scene.codes("C1")
    assert (len(given(done)), done.cost, done.refunded) == (2, Money(936_000), None)
    assert done.supplier_ref == placed.supplier_ref
    assert all(piece.number for piece in done.deliveries)


def test_a_top_up_is_done_with_a_receipt(scene: Any) -> None:
    request = scene.purchase_request("T1", "3006", inputs=PHONE)
    placed = scene.supplier().purchase(scene.ctx(), request)
    done = scene.settled(scene.supplier(), "T1", placed.supplier_ref)
    assert (done.outcome, given(done)) == (Outcome.SUCCEEDED, [])
    assert [piece.note for piece in done.deliveries] == ["订单处理完成，期待您的下次光临"]
    assert scene.order("T1")["inputs"] == PHONE


def test_an_order_that_takes_its_time_is_pending_until_it_is_done(scene: Any) -> None:
    scene.settings(top_up_ms=300)
    request = scene.purchase_request("T2", "3006", inputs=PHONE)
    ref = scene.supplier().purchase(scene.ctx(), request).supplier_ref
    assert scene.supplier().query(scene.ctx(), "T2", ref).outcome is Outcome.PENDING
    assert scene.settled(scene.supplier(), "T2", ref).outcome is Outcome.SUCCEEDED


def test_the_same_number_is_bought_once(scene: Any) -> None:
    first, second = bought(scene, "N1"), bought(scene, "N1")
    assert (first.outcome, second.outcome) == (Outcome.PENDING, Outcome.UNKNOWN)
    assert second.found, "used up is not unheard of"
    assert len(scene.sales("N1")) == 1


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("price", {"max_cost": Money(935_999)}),
        ("off_sale", {"sku_ref": "1"}),
        ("sku", {"sku_ref": "1 OR 1"}),
        ("inputs", {"sku_ref": "3006", "inputs": {"recharge_account": "13800138092"}}),
    ],
)
def test_a_sure_refusal_declines_and_sells_nothing(
    scene: Any, code: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(Declined) as refused:
        bought(scene, f"R-{code}", **changes)
    assert refused.value.code == code
    assert scene.sales(f"R-{code}") == []


def test_no_stock_and_no_money_decline_too(scene: Any) -> None:
    scene.goods("2901", stock="1")
    with pytest.raises(Declined, match="库存"):
        bought(scene, "R-stock")
    scene.goods("2901", stock="5000")
    scene.balance_is("0.01")
    with pytest.raises(Declined, match="余额"):
        bought(scene, "R-balance")
    scene.balance_is("100000")
    assert scene.sales("R-stock") == scene.sales("R-balance") == []


@pytest.mark.parametrize(
    ("lie", "sold"),
    [
        ("html", 1), ("html_lost", 0), ("truncated", 1), ("ok_with_error", 1),
        ("ok_with_error_lost", 0), ("late_success", 1), ("silent", 0),
    ],
)  # fmt: skip
def test_an_answer_that_lies_is_unknown_and_the_question_tells(
    scene: Any, lie: str, sold: int
) -> None:
    scene.settings(**{f"lie_{lie}": 100, "lie_on": "buy"})
    assert bought(scene, f"L-{lie}").outcome is Outcome.UNKNOWN
    assert len(scene.sales(f"L-{lie}")) == sold
    asked = scene.supplier().query(scene.ctx(), f"L-{lie}", "")
    assert (asked.outcome is Outcome.SUCCEEDED, asked.found) == (bool(sold), bool(sold))
    assert given(asked) == scene.codes(f"L-{lie}")


@pytest.mark.parametrize("lie", ["html", "truncated", "ok_with_error", "late_success"])
def test_a_question_whose_answer_lies_stays_open(scene: Any, lie: str) -> None:
    bought(scene, f"Q-{lie}")
    scene.settings(**{f"lie_{lie}": 100, "lie_on": "query"})
    with pytest.raises(HttpOutcomeUnknown):
        scene.supplier().query(scene.ctx(), f"Q-{lie}", "")


def test_answers_carry_no_signature_so_a_wrong_one_changes_nothing(scene: Any) -> None:
    scene.settings(lie_wrong_signature=100)
    assert bought(scene, "L-sign").outcome is Outcome.PENDING
    assert given(scene.supplier().query(scene.ctx(), "L-sign", "")) == scene.codes("L-sign")


@pytest.mark.parametrize(("lie", "count"), [("more", 3), ("fewer", 1), ("partial", 1)])
def test_the_cards_are_told_as_they_came(scene: Any, lie: str, count: int) -> None:
    """How many were ordered the site does not repeat: the host counts, and takes no part."""
    scene.settings(**{f"lie_{lie}": 100})
    bought(scene, f"L-{lie}")
    done = scene.supplier().query(scene.ctx(), f"L-{lie}", "")
    assert (done.outcome, len(given(done))) == (Outcome.SUCCEEDED, count)
    assert done.refunded == (Money(468_000) if lie == "partial" else None)


def test_a_price_above_the_cap_is_told(scene: Any) -> None:
    scene.settings(lie_above_cap=100)
    cap = Money(936_000)
    placed = bought(scene, "L-cap", max_cost=cap)
    assert (placed.outcome, placed.message) == (Outcome.PENDING, "上游收取的金额高于限价")
    done = scene.supplier().query(scene.ctx(), "L-cap", placed.supplier_ref)
    assert placed.cost == done.cost
    assert done.cost > cap
    assert len(scene.sales("L-cap")) == 1


def test_a_card_that_was_sold_before_is_told_for_the_host_to_see(scene: Any) -> None:
    bought(scene, "L-first")
    scene.settings(lie_duplicate_card=100)
    bought(scene, "L-twice")
    done = scene.supplier().query(scene.ctx(), "L-twice", "")
    assert scene.facts()["codes_twice"] == 1
    assert given(done) == scene.codes("L-twice")


def test_not_found_and_then_success(scene: Any) -> None:
    scene.settings(lie_not_found_first=100, hide_queries=2)
    placed = bought(scene, "L-hidden")
    for _ in range(2):
        asked = scene.supplier().query(scene.ctx(), "L-hidden", placed.supplier_ref)
        assert (asked.outcome, asked.found) == (Outcome.UNKNOWN, False)
    done = scene.supplier().query(scene.ctx(), "L-hidden", placed.supplier_ref)
    assert given(done) == scene.codes("L-hidden")


@pytest.mark.parametrize(
    ("account", "outcome", "refunded"),
    [
        ("13800138090", Outcome.SUCCEEDED, Money(149_250)),
        ("13800138091", Outcome.DECLINED, Money(298_500)),
        ("13800138099", Outcome.UNKNOWN, None),
    ],
)
def test_the_money_says_what_became_of_a_top_up(
    scene: Any, account: str, outcome: Outcome, refunded: Money | None
) -> None:
    request = scene.purchase_request(account, "3006", inputs={"recharge_account": account})
    scene.supplier().purchase(scene.ctx(), request)
    ended = scene.supplier().query(scene.ctx(), account, "")
    assert (ended.outcome, ended.refunded) == (outcome, refunded)


def test_after_sales_are_seen_by_a_question(scene: Any) -> None:
    ref = bought(scene, "A1").supplier_ref
    scene._ask("POST", f"{ref}/refund", {"amount": "46.8"})
    part = scene.supplier().query(scene.ctx(), "A1", ref)
    assert (part.outcome, part.refunded) == (Outcome.SUCCEEDED, Money(468_000))
    scene._ask("POST", f"{ref}/refund", {"amount": "46.8"})
    rest = scene.supplier().query(scene.ctx(), "A1", ref)
    assert (rest.outcome, rest.refunded) == (Outcome.DECLINED, Money(936_000))
    assert rest.deliveries == ()


def test_an_open_order_is_taken_back_with_its_money(scene: Any) -> None:
    scene.settings(card_ms=60_000)
    before = scene.supplier().balance(scene.ctx())
    bought(scene, "X1")
    ended = scene.supplier().cancel(scene.ctx(), "X1", "", "买家不要了")
    assert (ended.outcome, ended.refunded) == (Outcome.DECLINED, Money(936_000))
    assert scene.supplier().balance(scene.ctx()) == before
    again = scene.supplier().cancel(scene.ctx(), "X1", ended.supplier_ref, "")
    assert again.outcome is Outcome.DECLINED


def test_a_delivered_order_is_too_late_to_take_back(scene: Any) -> None:
    ref = bought(scene, "X2").supplier_ref
    ended = scene.supplier().cancel(scene.ctx(), "X2", ref, "")
    assert (ended.outcome, given(ended)) == (Outcome.SUCCEEDED, scene.codes("X2"))


def test_nobody_can_take_back_what_was_never_placed(scene: Any) -> None:
    ended = scene.supplier().cancel(scene.ctx(), "X3", "", "")
    assert (ended.outcome, ended.found) == (Outcome.UNKNOWN, False)


def test_another_order_under_our_number_is_not_believed(scene: Any) -> None:
    bought(scene, "O1")
    asked = scene.supplier().query(scene.ctx(), "O1", "another")
    assert (asked.outcome, asked.deliveries) == (Outcome.UNKNOWN, ())


def test_a_wrong_key_buys_nothing_and_asks_nothing(scene: Any) -> None:
    supplier = scene.supplier(key="wrong")
    request = scene.purchase_request("K1", "2901")
    with pytest.raises(Declined) as refused:
        supplier.purchase(scene.ctx(), request)
    assert refused.value.code == "auth"
    asked = supplier.query(scene.ctx(), "K1", "")
    assert (asked.outcome, asked.found) == (Outcome.UNKNOWN, True), "not a word about the order"
    assert scene.sales("K1") == []


def test_a_clock_that_is_wrong_is_refused_by_the_site(scene: Any) -> None:
    scene.clock.moved = timedelta(hours=1)
    with pytest.raises(Declined, match="签名"):
        scene.supplier().balance(scene.ctx())


def test_the_balance_falls_by_what_was_taken(scene: Any) -> None:
    before = scene.supplier().balance(scene.ctx())
    bought(scene, "B1")
    assert before - scene.supplier().balance(scene.ctx()) == Money(936_000)
