"""A Reloadly that lies: the outcome stays in doubt, and no number buys twice."""

import pytest

from kameng_sdk.errors import Declined, HttpOutcomeUnknown, PluginError
from kameng_sdk.outcomes import Outcome

MOBILE, STEAM = "topup:88:5", "giftcard:13:25"
ANSWERS = [
    ("html", 1), ("html_lost", 0), ("truncated", 1), ("ok_with_error", 1),
    ("ok_with_error_lost", 0), ("late_success", 1), ("silent", 0),
]  # fmt: skip
NAMES = [*(lie for lie, _ in ANSWERS), "fewer", "more", "partial"]


@pytest.mark.parametrize("sku", [MOBILE, STEAM])
@pytest.mark.parametrize(("lie", "sold"), ANSWERS)
def test_an_answer_that_proves_nothing_is_doubt_and_the_report_knows(scene, lie, sold, sku):
    number = f"4{[MOBILE, STEAM].index(sku)}00000000{NAMES.index(lie):08d}"
    scene.settings(lie_on="buy", **{f"lie_{lie}": 100})
    with pytest.raises(HttpOutcomeUnknown):
        scene.buy(number, sku)
    assert len(scene.sales(number)) == sold
    result = scene.settled(scene.supplier(), number)
    assert result.outcome is (Outcome.SUCCEEDED if sold else Outcome.UNKNOWN)
    assert result.found is bool(sold)


@pytest.mark.parametrize("lie", ["fewer", "more", "partial"])
def test_another_number_of_cards_is_for_a_person(scene, lie):
    number = f"4200000000{NAMES.index(lie):08d}"
    scene.settings(**{f"lie_{lie}": 100})
    result = scene.bought(number, STEAM, 2)
    assert (result.outcome, result.deliveries) == (Outcome.UNKNOWN, ())
    assert "2" in result.message


def test_a_card_that_was_sold_before_is_shown_as_it_came(scene):
    """One answer does not betray it: the host knows all cards, this plugin keeps none."""
    scene.bought("430000000000000001", STEAM)
    scene.settings(lie_duplicate_card=100)
    result = scene.bought("430000000000000002", STEAM)
    assert result.outcome is Outcome.SUCCEEDED
    sold = scene.order("430000000000000002")["codes"]
    assert [piece.code.reveal() for piece in result.deliveries] == sold


def test_a_late_failure_gives_the_money_back(scene):
    scene.settings(lie_late_failure=100)
    result = scene.bought("440000000000000001", MOBILE)
    assert (result.outcome, result.refunded) == (Outcome.DECLINED, result.cost)
    assert result.deliveries == ()


@pytest.mark.parametrize("known", [True, False])
def test_not_found_and_then_delivered(scene, known):
    number = f"45000000000000000{int(known)}"
    # Without the transaction's number both reports are asked, and each counts.
    scene.settings(lie_not_found_first=100, hide_queries=3 if known else 6)
    placed = scene.buy(number, MOBILE)
    ref = placed.supplier_ref if known else ""
    asked = [scene.supplier().query(scene.ctx(), number, ref) for _ in range(3)]
    assert {(a.outcome, a.found) for a in asked} == {(Outcome.UNKNOWN, False)}
    assert scene.settled(scene.supplier(), number, ref).outcome is Outcome.SUCCEEDED
    assert len(scene.sales(number)) == 1


@pytest.mark.parametrize("lie", ["html", "truncated", "ok_with_error", "silent"])
def test_a_lying_answer_to_a_question_never_refuses_a_purchase(scene, lie):
    number = f"4600000000{NAMES.index(lie):08d}"
    placed = scene.buy(number, STEAM)
    scene.settings(lie_on="query", **{f"lie_{lie}": 100})
    for ref in ("", placed.supplier_ref):
        with pytest.raises(PluginError) as error:
            scene.supplier().query(scene.ctx(), number, ref)
        assert not isinstance(error.value, Declined)


def test_under_all_lies_at_once_no_number_buys_twice(scene):
    names = ("html", "truncated", "late_success", "silent", "ok_with_error", "fewer", "more")
    scene.settings(**{f"lie_{name}": 10 for name in names}, seed=7)
    for n in range(20):
        for _ in range(2):
            try:
                scene.buy(f"4700000000000{n:05d}", (MOBILE, STEAM)[n % 2])
            except PluginError:
                continue
    assert scene.facts()["by_number"] == []
