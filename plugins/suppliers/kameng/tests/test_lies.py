"""Another side that lies: the outcome stays in doubt, and nothing is bought twice."""

import pytest

from kameng_sdk.errors import Declined, HttpOutcomeUnknown, PluginError
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome

STEAM_50, PHONE = "STEAM-50", "PHONE-50"
ANSWERS = [
    ("html", 1), ("html_lost", 0), ("truncated", 1), ("ok_with_error", 1),
    ("ok_with_error_lost", 0), ("late_success", 1), ("silent", 0),
]  # fmt: skip
NAMES = [*(lie for lie, _ in ANSWERS), "fewer", "more"]


@pytest.mark.parametrize(("lie", "sold"), ANSWERS)
def test_an_answer_that_proves_nothing_is_doubt_and_is_found_by_our_number(scene, lie, sold):
    number = f"4000000000{NAMES.index(lie):08d}"
    scene.settings(lie_on="buy", **{f"lie_{lie}": 100})
    with pytest.raises(HttpOutcomeUnknown):
        scene.buy(number, STEAM_50)
    assert len(scene.sales(number)) == sold
    asked = scene.supplier().query(scene.ctx(), number, "")
    assert asked.found is bool(sold)
    assert asked.outcome is (Outcome.SUCCEEDED if sold else Outcome.UNKNOWN)
    scene.settings(**{f"lie_{lie}": 0})
    assert scene.buy(number, STEAM_50).supplier_ref == scene.order(number)["ref"]
    assert len(scene.sales(number)) == 1


@pytest.mark.parametrize("lie", ["fewer", "more"])
def test_another_number_of_cards_is_for_a_person(scene, lie):
    number = f"4100000000{NAMES.index(lie):08d}"
    scene.settings(**{f"lie_{lie}": 100})
    result = scene.bought(number, STEAM_50, 2)
    assert (result.outcome, result.deliveries) == (Outcome.UNKNOWN, ())
    assert "卡密" in result.message


def test_a_part_is_taken_where_the_rest_is_paid_back(scene):
    scene.settings(lie_partial=100)
    result = scene.bought("420000000000000001", STEAM_50, 3)
    assert (result.outcome, result.refunded) == (Outcome.SUCCEEDED, Money.parse("47.70"))
    codes = [piece.code.reveal() for piece in result.deliveries]
    assert codes == scene.order("420000000000000001")["codes"]
    assert len(codes) == 2


def test_a_late_failure_gives_the_money_back(scene):
    scene.settings(lie_late_failure=100)
    placed = scene.buy("430000000000000001", PHONE, inputs={"phone": "13800138000"})
    assert placed.outcome is Outcome.PENDING
    ended = scene.settled(scene.supplier(), "430000000000000001", placed.supplier_ref)
    assert (ended.outcome, ended.refunded) == (Outcome.DECLINED, placed.cost)


def test_not_found_and_then_delivered(scene):
    scene.settings(lie_not_found_first=100, hide_queries=2)
    number = "440000000000000001"
    scene.buy(number, STEAM_50)
    asked = [scene.supplier().query(scene.ctx(), number, "") for _ in range(3)]
    assert [(a.outcome, a.found) for a in asked] == [
        (Outcome.UNKNOWN, False), (Outcome.UNKNOWN, False), (Outcome.SUCCEEDED, True),
    ]  # fmt: skip


@pytest.mark.parametrize("lie", ["html", "truncated", "ok_with_error", "silent"])
def test_a_lying_answer_to_a_question_never_refuses_a_purchase(scene, lie):
    number = f"4500000000{NAMES.index(lie):08d}"
    placed = scene.buy(number, STEAM_50)
    scene.settings(lie_on="query", **{f"lie_{lie}": 100})
    for ask in (
        lambda: scene.supplier().query(scene.ctx(), number, placed.supplier_ref),
        lambda: scene.supplier().cancel(scene.ctx(), number, placed.supplier_ref, ""),
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
