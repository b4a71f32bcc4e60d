"""Scorecards: measured values become points by weight, points a grade. Pure and exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

METRICS = (
    "success", "on_time", "time_outs", "stock_accuracy", "after_sales", "price_stability",
    "complaints", "papers",
)  # fmt: skip
GRADES = ("A", "B", "C", "D")
WHOLE = 1000  # points of a perfect supplier
TOLD = 3  # so many metrics are named as what moved a score


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one metric is worth: `full_at` earns all its points, `zero_at` none, linear between."""

    metric: str
    weight: int
    full_at: Fraction
    zero_at: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeLimits:
    """From how many of 1000 points a grade begins; nobody is graded on too few purchases."""

    a_from: int
    b_from: int
    c_from: int
    least_purchases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One metric on a card. `weight` is its share of the 1000 points after the sharing out."""

    value: Fraction
    points: int
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A reckoned scorecard; `score` None: nothing could be measured."""

    score: int | None
    lines: Mapping[str, Line]


def earned(rule: Rule, value: Fraction) -> Fraction:
    """The part of a metric's points that a value earns, 0 to 1."""
    part = (value - rule.zero_at) / (rule.full_at - rule.zero_at)
    return min(Fraction(1), max(Fraction(0), part))


def reckon(values: Mapping[str, Fraction | None], rules: Iterable[Rule]) -> Card:
    """The card of one supplier.

    Metrics without a value are left out and their weight is shared out among the others in
    proportion. Points are rounded down as a whole, so that a limit is reached or it is not.
    """
    known = [(rule, values.get(rule.metric)) for rule in rules if rule.weight > 0]
    counted = [(rule, value) for rule, value in known if value is not None]
    total = sum(rule.weight for rule, _value in counted)
    if not total:
        return Card(score=None, lines={})
    weights = [Fraction(rule.weight * WHOLE, total) for rule, _value in counted]
    points = [
        weight * earned(rule, value) for weight, (rule, value) in zip(weights, counted, strict=True)
    ]
    score = int(sum(points))
    lines = {
        rule.metric: Line(value=value, points=earned_points, weight=weight)
        for (rule, value), earned_points, weight in zip(
            counted, whole_parts(points, score), whole_parts(weights, WHOLE), strict=True
        )
    }
    return Card(score=score, lines=lines)


def whole_parts(exact: Sequence[Fraction], total: int) -> list[int]:
    """Whole numbers that add up to `total`: the largest remainders are rounded up."""
    parts = [int(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda n: (parts[n] - exact[n], n))
    for place in by_remainder[: total - sum(parts)]:
        parts[place] += 1
    return parts


def grade_of(score: int | None, purchases: int, limits: GradeLimits) -> str | None:
    """A, B, C or D; None when there is too little to judge by."""
    if score is None or purchases < limits.least_purchases:
        return None
    steps = zip(GRADES, (limits.a_from, limits.b_from, limits.c_from), strict=False)
    return next((grade for grade, start in steps if score >= start), "D")


def at_most(grade: str | None, best: str) -> str:
    """A grade that is no better than `best`; who has none yet gets `best`."""
    return best if grade is None else max(grade, best)


def what_moved(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Line]
) -> list[dict[str, Any]]:
    """The metrics whose points changed most since the last card, the largest change first."""
    changes = [
        (line.points - int(before[metric]["points"]), metric, line)
        for metric, line in after.items()
        if metric in before
    ]
    changes = [change for change in changes if change[0]]
    changes.sort(key=lambda change: (-abs(change[0]), METRICS.index(change[1])))
    return [
        {"code": "points", "metric": metric, "from": line.points - by, "to": line.points}
        for by, metric, line in changes[:TOLD]
    ]


def rules_problem(rules: Sequence[Rule]) -> tuple[str, str] | None:
    """What is wrong with edited rules, as (metric, code); None when nothing is."""
    for rule in rules:
        if rule.full_at == rule.zero_at:
            return rule.metric, "no_span"
        if not 0 <= rule.weight <= WHOLE:
            return rule.metric, "weight"
    return None if any(rule.weight for rule in rules) else (METRICS[0], "all_zero")
