"""Costs: what a day cost, how much they wander, and what a silent rise counts."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from kameng.suppliers.domain.steadiness import Change, OfferCosts, daily_costs, price_unrest

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 10)


def change(day: int, old: int, new: int, announced: bool = True) -> Change:
    return Change(day=date(2026, 11, day), old=old, new=new, announced=announced)


def test_each_day_has_the_cost_it_ended_with():
    offer = OfferCosts(
        cost=120, changes=[change(3, 100, 110), change(3, 110, 90), change(7, 90, 120)]
    )
    assert daily_costs(offer, FIRST, LAST) == [100] * 2 + [90] * 4 + [120] * 4


def test_an_offer_that_never_changed_is_as_steady_as_can_be():
    assert price_unrest([OfferCosts(cost=95_5000)], FIRST, LAST) == 0
    assert price_unrest([], FIRST, LAST) is None
    assert price_unrest([OfferCosts(cost=0)], FIRST, LAST) == 0


def test_a_rise_that_nobody_announced_counts_once_more():
    told = OfferCosts(cost=110, changes=[change(6, 100, 110)])
    silent = OfferCosts(cost=110, changes=[change(6, 100, 110, announced=False)])
    calm = price_unrest([told], FIRST, LAST)
    assert price_unrest([silent], FIRST, LAST) == calm + Fraction(1, 10)
    assert price_unrest([told, OfferCosts(cost=5)], FIRST, LAST) == calm / 2


def test_a_silent_fall_is_no_surprise():
    told = OfferCosts(cost=90, changes=[change(6, 100, 90)])
    silent = OfferCosts(cost=90, changes=[change(6, 100, 90, announced=False)])
    assert price_unrest([told], FIRST, LAST) == price_unrest([silent], FIRST, LAST)


@given(
    st.integers(1, 10**9),
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 10**9), st.booleans()), max_size=12),
)
def test_unrest_is_never_negative_and_every_day_has_a_cost(start, steps):
    cost, changes = start, []
    for after, new, announced in sorted(steps):
        day = FIRST + timedelta(days=after)
        changes.append(Change(day=day, old=cost, new=new, announced=announced))
        cost = new
    offer = OfferCosts(cost=cost, changes=changes)
    days = daily_costs(offer, FIRST, LAST)
    assert len(days) == 10
    assert days[-1] == cost
    assert price_unrest([offer], FIRST, LAST) >= 0
