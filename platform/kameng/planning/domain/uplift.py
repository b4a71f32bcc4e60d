"""How many times a normal day a season sells, learnt from the same season of earlier years. Pure.

Sales of a season are counts, so a SKU's uplift is taken for gamma-distributed around that of its
category, and the category's around that of all: the more a SKU has sold in such seasons, the less
its kin has to say (empirical Bayes, with the weight of the kin given as expected pieces).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from kameng.planning.domain.levels import DAY, IsNormal, Sales, level_before
from kameng.planning.domain.seasons import Window

LEAST_DAYS = 14  # normal days before a season, without which it teaches nothing
KIN_PIECES = 30.0  # a SKU that would have sold so many is believed by half
ALL_PIECES = 100.0  # likewise for a category against all, and for all against "no uplift"
MOST = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was sold in seasons of one kind, and what normal days would have sold instead."""

    sold: int = 0
    expected: float = 0.0
    seasons: int = 0

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(
            sold=self.sold + other.sold, expected=self.expected + other.expected,
            seasons=self.seasons + other.seasons,
        )  # fmt: skip

    @property
    def ratio(self) -> float | None:
        """Sold by expected; None when nothing was expected."""
        return self.sold / self.expected if self.expected > 0 else None


NOTHING = Evidence()


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplift:
    """The factor used, what it was made of, and the share of the SKU's own past in it."""

    factor: float
    own: Evidence
    category: float
    overall: float
    weight: float

    @property
    def doubt(self) -> float:
        """Standard deviation of the factor, by the pieces that it rests on."""
        return float((self.factor / (self.own.expected + KIN_PIECES)) ** 0.5)


def evidence(sales: Sales, on_sale_since: date, window: Window, is_normal: IsNormal) -> Evidence:
    """What one past season of one SKU teaches; nothing when it was on sale for too short before."""
    level = level_before(sales, window.first, on_sale_since, is_normal)
    if level.days < LEAST_DAYS or not level.daily:
        return NOTHING
    days = [window.first + n * DAY for n in range(window.days)]
    return Evidence(
        sold=sum(sales.get(day, 0) for day in days),
        expected=sum(level.on(day) for day in days), seasons=1,
    )  # fmt: skip


def together(found: Iterable[Evidence]) -> Evidence:
    """Several pieces of evidence as one."""
    return sum(found, NOTHING)


def shrunk(own: Evidence, category: Evidence, overall: Evidence) -> Uplift:
    """The uplift of a SKU between its own past, its category and all."""
    at_all = _between(overall, 1.0, ALL_PIECES)
    of_kin = _between(category, at_all, ALL_PIECES)
    factor = min(_between(own, of_kin, KIN_PIECES), MOST)
    return Uplift(
        factor=factor, own=own, category=of_kin, overall=at_all,
        weight=own.expected / (own.expected + KIN_PIECES),
    )  # fmt: skip


def _between(found: Evidence, prior: float, prior_pieces: float) -> float:
    return (found.sold + prior_pieces * prior) / (found.expected + prior_pieces)
