"""Scorecards: exact at their limits, monotone, and no weight is lost."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.suppliers.domain.scoring import (
    METRICS,
    WHOLE,
    GradeLimits,
    Line,
    Rule,
    at_most,
    earned,
    grade_of,
    reckon,
    rules_problem,
    what_moved,
    whole_parts,
)

LIMITS = GradeLimits(a_from=900, b_from=750, c_from=600, least_purchases=20)
SUCCESS = Rule(metric="success", weight=300, full_at=Fraction(99, 100), zero_at=Fraction(4, 5))
TIME_OUTS = Rule(metric="time_outs", weight=100, full_at=Fraction(0), zero_at=Fraction(1, 10))
RULES = (
    SUCCESS,
    Rule(metric="on_time", weight=200, full_at=Fraction(98, 100), zero_at=Fraction(7, 10)),
    TIME_OUTS,
    Rule(metric="stock_accuracy", weight=80, full_at=Fraction(1), zero_at=Fraction(4, 5)),
    Rule(metric="after_sales", weight=80, full_at=Fraction(1), zero_at=Fraction(1, 2)),
    Rule(metric="price_stability", weight=80, full_at=Fraction(2, 100), zero_at=Fraction(1, 4)),
    Rule(metric="complaints", weight=100, full_at=Fraction(0), zero_at=Fraction(5, 100)),
    Rule(metric="papers", weight=60, full_at=Fraction(1), zero_at=Fraction(0)),
)

shares = st.fractions(min_value=0, max_value=1, max_denominator=500)
values = st.fixed_dictionaries({metric: st.none() | shares for metric in METRICS})


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (Fraction(99, 100), 1), (Fraction(1), 1), (Fraction(4, 5), 0), (Fraction(0), 0),
        (Fraction(895, 1000), Fraction(1, 2)),
    ],
)  # fmt: skip
def test_points_are_linear_between_the_limits_and_flat_beyond(value, part):
    assert earned(SUCCESS, value) == part


def test_a_value_that_is_good_when_small_counts_the_other_way_round():
    assert earned(TIME_OUTS, Fraction(0)) == 1
    assert earned(TIME_OUTS, Fraction(1, 20)) == Fraction(1, 2)
    assert earned(TIME_OUTS, Fraction(3, 10)) == 0


@given(values)
def test_weights_that_are_shared_out_add_up_to_the_whole(given_values):
    card = reckon(given_values, RULES)
    known = {metric for metric, value in given_values.items() if value is not None}
    assert set(card.lines) == known
    if not known:
        assert card.score is None
        return
    assert sum(line.weight for line in card.lines.values()) == WHOLE
    assert sum(line.points for line in card.lines.values()) == card.score
    assert 0 <= card.score <= WHOLE


@given(values, shares, shares)
def test_more_success_never_lowers_the_score(given_values, one, other):
    low, high = sorted((one, other))
    worse = reckon({**given_values, "success": low}, RULES)
    better = reckon({**given_values, "success": high}, RULES)
    assert worse.score <= better.score


@given(values, st.sampled_from(["time_outs", "complaints", "price_stability"]), shares, shares)
def test_more_trouble_never_raises_the_score(given_values, metric, one, other):
    low, high = sorted((one, other))
    calm = reckon({**given_values, metric: low}, RULES)
    rough = reckon({**given_values, metric: high}, RULES)
    assert rough.score <= calm.score


def test_a_metric_without_weight_is_not_on_the_card():
    off = Rule(metric="papers", weight=0, full_at=Fraction(1), zero_at=Fraction(0))
    assert reckon({"papers": Fraction(1)}, [off]).score is None


@given(st.lists(st.fractions(min_value=0, max_value=1000), min_size=1, max_size=8))
def test_whole_parts_add_up_and_stay_beside_the_exact_ones(exact):
    total = int(sum(exact))
    parts = whole_parts(exact, total)
    assert sum(parts) == total
    assert all(abs(part - value) < 1 for part, value in zip(parts, exact, strict=True))


@pytest.mark.parametrize(
    ("score", "grade"),
    [(1000, "A"), (900, "A"), (899, "B"), (750, "B"), (749, "C"), (600, "C"), (599, "D"), (0, "D")],
)
def test_a_grade_begins_exactly_at_its_limit(score, grade):
    assert grade_of(score, 20, LIMITS) == grade


def test_too_few_purchases_give_no_grade():
    assert grade_of(1000, 19, LIMITS) is None
    assert grade_of(None, 50, LIMITS) is None


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_better_score_is_never_a_worse_grade(one, other):
    low, high = sorted((one, other))
    assert grade_of(high, 20, LIMITS) <= grade_of(low, 20, LIMITS)


@pytest.mark.parametrize(
    ("grade", "capped"), [(None, "C"), ("A", "C"), ("B", "C"), ("C", "C"), ("D", "D")]
)
def test_a_demoted_supplier_is_at_most_C(grade, capped):
    assert at_most(grade, "C") == capped


def test_what_moved_names_the_largest_changes_first():
    def line(points):
        return Line(value=Fraction(1), points=points, weight=300)

    before = {"success": {"points": 300}, "on_time": {"points": 200}, "papers": {"points": 60}}
    after = {"success": line(120), "on_time": line(190), "papers": line(60), "complaints": line(9)}
    assert what_moved(before, after) == [
        {"code": "points", "metric": "success", "from": 300, "to": 120},
        {"code": "points", "metric": "on_time", "from": 200, "to": 190},
    ]


def test_edited_rules_need_a_span_and_some_weight():
    flat = Rule(metric="success", weight=1, full_at=Fraction(1), zero_at=Fraction(1))
    heavy = Rule(metric="papers", weight=1001, full_at=Fraction(1), zero_at=Fraction(0))
    idle = Rule(metric="papers", weight=0, full_at=Fraction(1), zero_at=Fraction(0))
    assert rules_problem([flat]) == ("success", "no_span")
    assert rules_problem([heavy]) == ("papers", "weight")
    assert rules_problem([idle]) == ("success", "all_zero")
    assert rules_problem(RULES) is None
