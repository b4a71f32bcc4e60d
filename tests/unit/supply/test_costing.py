"""A cost follows the best offer by rule, and a cost that eats the price is never sold at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kameng.supply.domain.costing import (
    BP,
    MAX_COST,
    Policy,
    cost_from,
    endangered,
    guarded_cost,
    next_cost,
    pause,
)
from kameng_sdk.money import UNITS_PER_YUAN

costs = st.integers(0, MAX_COST)
prices = st.integers(1, MAX_COST)
policies = st.builds(
    Policy,
    on_rise=st.sampled_from(["reprice", "pause", "ask"]),
    follow=st.booleans(),
    only_raise=st.booleans(),
    add_bp=st.integers(0, 100_000),
    add_amount=st.integers(0, 10**7),
    least_cost=st.none() | costs,
    loss_bp=st.integers(0, BP),
)


def test_an_addition_is_rounded_up_and_the_least_cost_holds():
    policy = Policy(add_bp=150, add_amount=5)
    assert cost_from(93_2001, policy) == 94_5987  # 93.2001 × 1.015 = 94.59810…
    assert cost_from(1, Policy(add_bp=1)) == 2
    assert cost_from(100, Policy(least_cost=UNITS_PER_YUAN)) == UNITS_PER_YUAN


@given(costs, policies)
def test_a_piece_never_costs_less_than_the_supplier_asks(cost, policy):
    reckoned = cost_from(cost, policy)
    assert cost <= reckoned <= MAX_COST
    assert reckoned >= min(policy.least_cost or 0, MAX_COST)


@given(costs, costs, policies)
def test_a_dearer_offer_never_makes_a_cheaper_piece(one, other, policy):
    cheap, dear = sorted((one, other))
    assert cost_from(cheap, policy) <= cost_from(dear, policy)


@given(policies, st.none() | costs, st.none() | costs)
def test_a_cost_that_has_followed_stays(policy, present, best):
    new = next_cost(policy, present, best)
    if new is not None:
        assert policy.follow
        assert new != present
        assert next_cost(policy, new, best) is None
        if policy.only_raise and present is not None:
            assert new > present


@given(policies, costs, st.none() | costs, prices)
def test_what_is_sold_brings_more_than_it_costs_unless_a_loss_is_allowed(
    policy, present, best, price
):
    cost = next_cost(policy, present, best)
    cost = present if cost is None else cost
    seen = guarded_cost(cost, best)
    if not endangered(seen, price, 0):
        assert max(cost, best or 0) < price
    if not endangered(seen, price, policy.loss_bp):
        assert cost * BP < price * (BP + policy.loss_bp)


@given(costs, prices, st.integers(0, BP))
def test_an_allowed_loss_only_ever_lets_more_be_sold(cost, price, loss):
    assert not (endangered(cost, price, loss) and not endangered(cost, price, 0))


def test_without_a_price_or_a_cost_there_is_nothing_to_guard():
    assert not endangered(None, 1)
    assert not endangered(1, None)
    assert guarded_cost(None, None) is None


@given(policies, st.sampled_from(["", "cost", "ask"]), st.booleans())
def test_a_pause_by_cost_ends_by_itself_and_a_question_only_by_a_person(policy, before, danger):
    after = pause(policy, before, danger)
    if before == "ask":
        assert after == "ask"
    elif not danger:
        assert after == ""
    else:
        assert after == ("ask" if policy.on_rise == "ask" else "cost")
