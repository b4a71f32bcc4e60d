"""Demand of one SKU on coming days: level × weekday × trend × season, with how sure it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import ceil
from typing import Any

from kameng.planning.domain.levels import (
    BASE_DAYS,
    DAY,
    IsNormal,
    Level,
    Sales,
    level_before,
)
from kameng.planning.domain.seasons import Window
from kameng.planning.domain.uplift import Uplift

NINE_OF_TEN = 1.2816  # standard deviations that nine of ten normal outcomes stay below
NEWCOMER_DAYS = 14  # a newcomer's own days and so many of its kin are believed alike
LONGEST = 120  # days ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One SKU and the days that are asked about, both included. `today` is not over yet."""

    sales: Sales
    on_sale_since: date
    today: date
    first: date
    last: date
    windows: Sequence[Window] = ()  # that touch those days
    uplifts: Mapping[str, Uplift] = field(default_factory=dict)  # by kind of a window
    newcomers: float | None = None  # pieces a day that newcomers of its category sell


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Whole pieces over all days: likely (`p50`), and not passed nine times of ten (`p90`)."""

    p50: int
    p90: int
    days: Sequence[tuple[date, float]]
    explain: Mapping[str, Any]


def forecast(asked: Asked, is_normal: IsNormal) -> Forecast:
    """What a SKU will sell. Never below zero; without any past it is its category's newcomers."""
    level = level_before(asked.sales, asked.today, asked.on_sale_since, is_normal)
    daily, source = _start(asked, level)
    level = Level(
        daily=daily, weekday=level.weekday, trend=level.trend, noise=level.noise, days=level.days
    )
    days: list[tuple[date, float]] = []
    lifted: dict[str, float] = {}
    for number in range((asked.last - asked.first).days + 1):
        day = asked.first + number * DAY
        kind, factor = _strongest(asked, day)
        normal = level.on(day)
        if kind:
            lifted[kind] = lifted.get(kind, 0.0) + normal
        days.append((day, normal * factor))
    mean = sum(pieces for _day, pieces in days)
    p50 = round(mean)
    p90 = max(p50, ceil(mean + NINE_OF_TEN * _variance(asked, level, mean, lifted) ** 0.5))
    return Forecast(
        p50=p50, p90=p90 if mean else 0, days=days, explain=_explain(asked, level, source, lifted)
    )


def _variance(asked: Asked, level: Level, mean: float, lifted: Mapping[str, float]) -> float:
    """Of the sum: chance of each day, doubt about the level, doubt about the uplifts."""
    if not level.daily:
        return 0.0
    about_level = mean**2 * level.noise / (level.daily * max(level.days, NEWCOMER_DAYS))
    about_uplift = sum((lifted[kind] * asked.uplifts[kind].doubt) ** 2 for kind in lifted)
    return float(level.noise * mean + about_level + about_uplift)


def _start(asked: Asked, level: Level) -> tuple[float, str]:
    """Pieces a day to start from, and where they come from."""
    if level.days >= BASE_DAYS or asked.newcomers is None:
        return (level.daily, "own") if level.daily or level.days >= BASE_DAYS else (0.0, "none")
    blended = (level.daily * level.days + asked.newcomers * NEWCOMER_DAYS) / (
        level.days + NEWCOMER_DAYS
    )
    return blended, "newcomers" if not level.daily else "blended"


def _strongest(asked: Asked, day: date) -> tuple[str, float]:
    """Where seasons overlap, the one that lifts most."""
    found = [
        (asked.uplifts[window.kind].factor, window.kind)
        for window in asked.windows
        if window.holds(day) and window.kind in asked.uplifts
    ]
    factor, kind = max(found, default=(1.0, ""))
    return kind, factor


def _explain(
    asked: Asked, level: Level, source: str, lifted: Mapping[str, float]
) -> dict[str, Any]:
    """As it is kept with a plan's line and told in words."""
    return {
        "from": source,
        "daily": round(level.daily, 2),
        "days": level.days,
        "trend": round(level.trend, 3),
        "weekday": [round(factor, 2) for factor in level.weekday],
        "seasons": [_told(kind, asked, normal) for kind, normal in sorted(lifted.items())],
    }


def _told(kind: str, asked: Asked, normal: float) -> dict[str, Any]:
    uplift = asked.uplifts[kind]
    own = uplift.own.ratio
    return {
        "kind": kind, "uplift": round(uplift.factor, 2), "normal": round(normal, 1),
        "own": None if own is None else round(own, 2), "sold": uplift.own.sold,
        "seasons": uplift.own.seasons, "weight": round(uplift.weight, 2),
        "category": round(uplift.category, 2), "overall": round(uplift.overall, 2),
    }  # fmt: skip


def error_share(pairs: Sequence[tuple[int, int]]) -> float | None:
    """WAPE of (forecast, sold) pairs: the sum of misses by the sum sold; None when none sold."""
    sold = sum(real for _guess, real in pairs)
    return sum(abs(guess - real) for guess, real in pairs) / sold if sold else None
