"""A site that lies: the outcome stays in doubt, and nothing is sold twice under one number."""

import pytest

from kameng_sdk.errors import Declined, HttpOutcomeUnknown, PluginError
from kameng_sdk.outcomes import Outcome

STEAM_50, PHONE = "101:1001", "104:1005"
ANSWERS = [
    ("html", 1), ("html_lost", 0), ("truncated", 1), ("ok_with_error", 1),
    ("ok_with_error_lost", 0), ("late_success", 1), ("silent", 0),
]  # fmt: skip
NAMES = [*(lie for lie, _ in ANSWERS), "fewer", "more", "partial"]


@pytest.mark.parametrize(("lie", "sold"), ANSWERS)
def test_an_answer_that_proves_nothing_is_doubt(scene, lie, sold):
    number = f"4000000000{NAMES.index(lie):08d}"
    scene.settings(lie_on="buy", **{f"lie_{lie}": 100})
    with pytest.raises(HttpOutcomeUnknown):
        scene.buy(number, STEAM_50)
    assert len(scene.sales(number)) == sold
    # What the repeat that the protocol allows would come to: the first order, or the one order.
    scene.settings(**{f"lie_{lie}": 0})
    assert scene.buy(number, STEAM_50).supplier_ref == scene.order(number)["ref"]
    assert len(scene.sales(number)) == 1


@pytest.mark.parametrize("lie", ["fewer", "more", "partial"])
def test_another_number_of_cards_is_for_a_person(scene, lie):
    number = f"4100000000{NAMES.index(lie):08d}"
    scene.settings(**{f"lie_{lie}": 100})
    result = scene.bought(number, STEAM_50, 2)
    assert (result.outcome, result.deliveries) == (Outcome.UNKNOWN, ())
    assert "2" in result.message


def test_a_card_that_was_sold_before_is_shown_as_it_came(scene):
    """One answer does not betray it: the host knows all cards, this plugin keeps none."""
    scene.bought("420000000000000001", STEAM_50)
    scene.settings(lie_duplicate_card=100)
    second = scene.bought("420000000000000002", STEAM_50)
    assert second.outcome is Outcome.SUCCEEDED
    assert [c.code.reveal() for c in second.deliveries] == scene.order("420000000000000002")[
        "codes"
    ]
    assert scene.facts()["codes_twice"] == 1


def test_a_late_failure_gives_the_money_back(scene):
    scene.settings(lie_late_failure=100)
    placed = scene.buy("430000000000000001", PHONE, inputs={"account": "13800138000"})
    assert placed.outcome is Outcome.PENDING
    ended = scene.settled(scene.supplier(), "430000000000000001", placed.supplier_ref)
    assert (ended.outcome, ended.refunded) == (Outcome.DECLINED, placed.cost)


def test_not_found_and_then_delivered(scene):
    scene.settings(lie_not_found_first=100, hide_queries=2)
    placed = scene.buy("440000000000000001", STEAM_50)
    asked = [
        scene.supplier().query(scene.ctx(), "440000000000000001", placed.supplier_ref)
        for _ in range(3)
    ]
    assert [(a.outcome, a.found) for a in asked] == [
        (Outcome.UNKNOWN, False), (Outcome.UNKNOWN, False), (Outcome.SUCCEEDED, True),
    ]  # fmt: skip


@pytest.mark.parametrize("lie", ["html", "truncated", "ok_with_error", "silent"])
def test_a_lying_answer_to_a_question_never_refuses_a_purchase(scene, lie):
    placed = scene.buy(f"4500000000{NAMES.index(lie):08d}", STEAM_50)
    scene.settings(lie_on="query", **{f"lie_{lie}": 100})
    for ask in (
        lambda: scene.supplier().query(scene.ctx(), "45", placed.supplier_ref),
        lambda: scene.supplier().cancel(scene.ctx(), "45", placed.supplier_ref, ""),
    ):
        with pytest.raises(PluginError) as error:
            ask()
        assert not isinstance(error.value, Declined)


def test_under_all_lies_at_once_no_number_buys_twice(scene):
    names = ("html", "truncated", "late_success", "silent", "ok_with_error", "fewer", "more")
    scene.settings(**{f"lie_{name}": 10 for name in names}, seed=7)
    for n in range(20):
        number = f"4600000000000{n:05d}"
        for _ in range(2):
            try:
                scene.buy(number, STEAM_50)
            except PluginError:
                continue
    assert scene.facts()["by_number"] == []
