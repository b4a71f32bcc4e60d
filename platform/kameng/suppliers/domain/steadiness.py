"""How steady a supplier's costs are: how much they wander, and rises nobody was told of. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import sqrt

EXACT = 1_000_000  # a square root has no end; six decimals are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A cost that changed on a day. `announced`: the supplier said so itself before we found it."""

    day: date
    old: int
    new: int
    announced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferCosts:
    """One offer: what it costs now, and its changes, oldest first. Amounts at scale 4."""

    cost: int
    changes: Sequence[Change] = ()


def daily_costs(offer: OfferCosts, first: date, last: date) -> list[int]:
    """What the offer cost at the end of each day, both days included."""
    days: list[int] = []
    cost = offer.cost
    waiting = list(offer.changes)
    day = last
    while day >= first:
        while waiting and waiting[-1].day > day:
            cost = waiting.pop().old
        days.append(cost)
        day -= timedelta(days=1)
    return days[::-1]


def price_unrest(offers: Sequence[OfferCosts], first: date, last: date) -> Fraction | None:
    """The mean over all offers of: coefficient of variation of the daily cost, plus every
    unannounced rise as a share of the cost before it. None without offers.
    """
    values = [_unrest(offer, first, last) for offer in offers]
    return sum(values, Fraction(0)) / len(values) if values else None


def _unrest(offer: OfferCosts, first: date, last: date) -> Fraction:
    surprises = (
        Fraction(change.new - change.old, change.old)
        for change in offer.changes
        if not change.announced and change.new > change.old > 0
    )
    return _variation(daily_costs(offer, first, last)) + sum(surprises, Fraction(0))


def _variation(costs: Sequence[int]) -> Fraction:
    total = sum(costs)
    if not total:
        return Fraction(0)
    mean = total / len(costs)
    spread = sqrt(sum((cost - mean) ** 2 for cost in costs) / len(costs))
    return Fraction(round(spread / mean * EXACT), EXACT)
