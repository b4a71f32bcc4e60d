"""S1, S2, S7: who is asked, and the reason that stands beside it."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.supply.domain.routing import Choice, rank

numbers = itertools.count(1)


def choice(**changes):
    number = next(numbers)
    given_ = {
        "supplier_id": number, "supplier": f"s{number}", "connection_id": number,
        "offer_id": number, "cost": 100,
    }  # fmt: skip
    return Choice(**{**given_, **changes})


def ranked(*choices, quantity=1, cap=200):
    return rank(choices, quantity=quantity, unit_cap=cap)


def first(*choices, **changes):
    best = ranked(*choices, **changes)[0]
    return best.choice, best.why


def test_the_cheapest_of_equals_is_asked():
    dear, cheap = choice(cost=101), choice(cost=100)
    assert first(dear, cheap) == (cheap, "cheapest")
    assert first(cheap) == (cheap, "only_one")
    other = choice(cost=100)
    assert first(other, cheap) == (cheap, "first_of_equals")


def test_contract_terms_go_before_price_and_an_exclusive_one_before_all():
    cheap, prior = choice(cost=1), choice(cost=150, terms="priority")
    assert first(cheap, prior) == (prior, "terms_priority")
    alone = choice(cost=199, terms="exclusive")
    best, *rest = ranked(cheap, prior, alone)
    assert (best.choice, best.why) == (alone, "only_one")
    assert {one.why for one in rest} == {"exclusive_elsewhere"}
    # Its own failure frees the others: exclusive is a promise to buy there, not to buy nothing.
    assert first(cheap, prior, replace(alone, tried=True)) == (prior, "terms_priority")


def test_a_demoted_supplier_comes_after_all_others_whatever_its_price():
    good, demoted, new = choice(cost=120, grade="B"), choice(cost=1, grade="C"), choice(cost=150)
    assert first(demoted, good) == (good, "better_grade")
    assert [one.choice for one in ranked(demoted, new, good)] == [good, new, demoted]
    worst = choice(cost=1, grade="D")
    assert [one.choice for one in ranked(worst, demoted)] == [demoted, worst]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"blocked": "supplier_paused"}, "supplier_paused"),
        ({"tried": True}, "tried"),
        ({"broken": True}, "broken"),
        ({"on_sale": False}, "off_sale"),
        ({"stock": 1}, "no_stock"),
        ({"minimum": 3}, "below_minimum"),
        ({"maximum": 1}, "above_maximum"),
        ({"contract_cost": 99}, "above_contract"),
        ({"cost": 201}, "above_cap"),
        ({"funds": 199}, "no_funds"),
    ],
)
def test_what_rules_a_supplier_out_is_said(changes, why):
    (only,) = ranked(choice(**changes), quantity=2)
    assert (only.outcome, only.why) == ("out", why)
    assert only.explained()["why"] == why


choices = st.lists(
    st.builds(
        choice, cost=st.integers(0, 300), stock=st.none() | st.integers(0, 5),
        grade=st.sampled_from(["", "A", "B", "C", "D"]),
        terms=st.sampled_from(["", "standard", "priority", "exclusive"]),
        funds=st.none() | st.integers(0, 600), broken=st.booleans(), tried=st.booleans(),
    ),
    max_size=8,
)  # fmt: skip


@given(choices, st.integers(1, 4), st.integers(0, 300))
def test_nobody_is_asked_above_the_cap_without_stock_or_without_money(offers, quantity, cap):
    found = rank(offers, quantity=quantity, unit_cap=cap)
    assert sorted(one.choice.offer_id for one in found) == sorted(o.offer_id for o in offers)
    chosen = [one.choice for one in found if one.outcome == "chosen"]
    assert len(chosen) <= 1
    for one in chosen:
        assert one.cost <= cap
        assert one.stock is None or one.stock >= quantity
        assert one.funds is None or one.funds >= one.cost * quantity
        assert not one.tried
        assert not one.broken
    if any(one.outcome == "next" for one in found):
        assert chosen


@given(choices, st.integers(1, 4))
def test_the_ranking_does_not_depend_on_the_order_of_the_facts(offers, quantity):
    forwards = rank(offers, quantity=quantity, unit_cap=250)
    backwards = rank(offers[::-1], quantity=quantity, unit_cap=250)
    assert [one for one in forwards if one.outcome != "out"] == [
        one for one in backwards if one.outcome != "out"
    ]
