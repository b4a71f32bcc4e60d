"""The recent watch: exact at its limits, and it does not flap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.suppliers.domain.recent import (
    HELD_S,
    Recent,
    WatchLimits,
    daily_may_lift,
    has_recovered,
    recent_rate,
    verdict,
)

LIMITS = WatchLimits(purchases=10, demote_below_bp=8500, pause_below_bp=5000)
outcomes = st.lists(st.booleans(), max_size=25)


def seen(good: int, bad: int) -> Recent:
    return recent_rate([False] * bad + [True] * good, 10)


@pytest.mark.parametrize(
    ("good", "bad", "rate", "follows"),
    [
        (0, 0, 10_000, ""), (0, 1, 9_000, ""), (0, 2, 8_000, "demote"), (9, 1, 9_000, ""),
        (8, 2, 8_000, "demote"), (5, 5, 5_000, "demote"), (4, 6, 4_000, "pause"),
        (0, 6, 4_000, "demote"), (0, 10, 0, "pause"),
    ],
)  # fmt: skip
def test_the_rate_and_what_follows_are_exact(good, bad, rate, follows):
    assert seen(good, bad).rate_bp == rate
    assert verdict(seen(good, bad), LIMITS) == follows


@given(outcomes, st.integers(1, 20))
def test_only_the_newest_count(results, wanted):
    recent = recent_rate(results, wanted)
    assert recent == recent_rate(results[:wanted], wanted)
    assert recent.count == min(len(results), wanted)
    assert 0 <= recent.rate_bp <= 10_000


@given(outcomes, st.integers(1, 20), st.data())
def test_one_failure_more_never_raises_the_rate(results, wanted, data):
    place = data.draw(st.integers(0, len(results)))
    assert (
        recent_rate([*results[:place], False, *results[place:]], wanted).rate_bp
        <= recent_rate([*results[:place], True, *results[place:]], wanted).rate_bp
    )


@given(outcomes)
def test_nobody_is_paused_on_too_few_purchases(results):
    if verdict(recent_rate(results, 10), LIMITS) == "pause":
        assert len(results) >= 10
        assert results[:10].count(False) > 5


@given(outcomes)
def test_who_has_recovered_would_not_be_demoted_again_at_once(results):
    recent = recent_rate(results, 10)
    if has_recovered(recent, LIMITS):
        assert recent.count == 10
        assert verdict(recent, LIMITS) == ""


def test_a_demotion_ends_above_its_limit_and_not_at_it():
    assert not has_recovered(Recent(count=10, rate_bp=8_900), LIMITS)
    assert has_recovered(Recent(count=10, rate_bp=9_000), LIMITS)
    assert not has_recovered(Recent(count=9, rate_bp=10_000), LIMITS)
    strict = WatchLimits(purchases=10, demote_below_bp=10_000, pause_below_bp=0)
    assert has_recovered(Recent(count=10, rate_bp=10_000), strict)


def test_the_daily_card_ends_only_an_old_demotion_of_a_supplier_that_is_well_now():
    assert daily_may_lift(HELD_S, seen(0, 0), LIMITS)
    assert not daily_may_lift(HELD_S - 1, seen(10, 0), LIMITS)
    assert not daily_may_lift(HELD_S, seen(0, 2), LIMITS)
