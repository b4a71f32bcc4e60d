"""Demand forecasts of SKUs, and how well they would have done. Main scope; reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.planning.domain.forecasting import LONGEST, Asked, Forecast, error_share, forecast
from kameng.planning.domain.levels import BASE_DAYS, DAY, LOOK_BACK
from kameng.planning.domain.seasons import Window
from kameng.planning.domain.uplift import NOTHING, Evidence, Uplift, evidence, shrunk, together
from kameng.planning.services import history
from kameng.planning.services.calendar import today
from kameng.planning.services.history import History, PlannedSku
from kameng.planning.services.seasons import windows

YEARS_BACK = 3  # older seasons say little about today's goods


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuForecast:
    """One SKU with what it will sell."""

    sku: PlannedSku
    forecast: Forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Forecasts of all SKUs over some days, with the windows that touch them."""

    first: date
    last: date
    windows: Sequence[Window]
    by_sku: Mapping[int, SkuForecast]
    history: History


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestLine:
    """One SKU: what would have been forecast, what the plain mean says, what was sold."""

    sku: PlannedSku
    forecast: int
    plain: int
    sold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """A past window, forecast from what was known before it. Errors are WAPE; None: no sales."""

    first: date
    last: date
    lines: Sequence[BacktestLine]
    error: float | None
    plain_error: float | None


def outlook(first: date, last: date, *, as_of: date | None = None) -> Outlook:
    """Forecasts from the sales before `as_of` (today). Raises `DomainError("days_invalid")`."""
    known_until = as_of or today()
    if not first <= last or (last - first).days >= LONGEST or (last - known_until).days > 400:
        raise DomainError("days_invalid", _l("日期不对：最长 120 天，最远 400 天以后。"))
    seasons = windows(range(known_until.year - YEARS_BACK, last.year + 2))
    ahead = [window for window in seasons if window.first <= last and window.last >= first]
    past = _past(seasons, {window.kind for window in ahead}, known_until)
    sold = history.sold_in(
        [(known_until - LOOK_BACK * DAY, known_until - DAY)]
        + [(window.first - LOOK_BACK * DAY, window.last) for window in past]
    )
    skus = [_since(sku, sold) for sku in history.planned_skus()]
    uplifts = _uplifts(skus, sold, past, seasons)
    young = any((known_until - sku.since).days < LOOK_BACK for sku in skus)
    newcomers = history.newcomers(known_until) if young else {}
    asked = Asked(
        sales={}, on_sale_since=first, today=known_until, first=first, last=last, windows=ahead
    )
    is_normal = _NormalDays(seasons)
    by_sku = {
        sku.id: SkuForecast(
            sku=sku,
            forecast=forecast(
                replace(
                    asked, sales=sold.of(sku.id), on_sale_since=sku.since,
                    uplifts=uplifts.get(sku.id, {}), newcomers=newcomers.get(sku.category_id),
                ),
                is_normal,
            ),
        )
        for sku in skus
    }  # fmt: skip
    return Outlook(first=first, last=last, windows=ahead, by_sku=by_sku, history=sold)


def backtest(first: date, last: date) -> Backtest:
    """Forecast a past window as it would have been made the day it began."""
    if last >= today():
        raise DomainError("days_invalid", _l("回测只能选已经过去的日期。"))
    made = outlook(first, last, as_of=first)
    real = history.sold_in([(first, last)])
    days = (last - first).days + 1
    lines = [
        BacktestLine(
            sku=one.sku, forecast=one.forecast.p50,
            plain=_plain(made.history.of(one.sku.id), first, days),
            sold=sum(real.of(one.sku.id).values()),
        )
        for one in made.by_sku.values()
    ]  # fmt: skip
    lines = [line for line in lines if line.forecast or line.sold]
    return Backtest(
        first=first, last=last, lines=sorted(lines, key=lambda line: -line.sold),
        error=error_share([(line.forecast, line.sold) for line in lines]),
        plain_error=error_share([(line.plain, line.sold) for line in lines]),
    )  # fmt: skip


class _NormalDays:
    """Says which days lie in no season."""

    def __init__(self, seasons: Iterable[Window]) -> None:
        self.special = {
            window.first + number * DAY for window in seasons for number in range(window.days)
        }

    def __call__(self, day: date) -> bool:
        return day not in self.special


def _past(seasons: Iterable[Window], kinds: set[str], before: date) -> list[Window]:
    return [window for window in seasons if window.kind in kinds and window.last < before]


def _since(sku: PlannedSku, sold: History) -> PlannedSku:
    """A SKU that was sold before its row was made (taken over from elsewhere) is that old."""
    days = sold.of(sku.id)
    return replace(sku, since=min(min(days), sku.since)) if days else sku


def _uplifts(
    skus: Sequence[PlannedSku], sold: History, past: Sequence[Window], seasons: Sequence[Window]
) -> dict[int, dict[str, Uplift]]:
    """By SKU and kind of season."""
    is_normal = _NormalDays(seasons)
    found: dict[int, dict[str, Uplift]] = {sku.id: {} for sku in skus}
    kinds = {window.kind for window in past}
    for kind in kinds:
        mine = [window for window in past if window.kind == kind]
        own = {
            sku.id: together(
                evidence(sold.of(sku.id), sku.since, window, is_normal) for window in mine
            )
            for sku in skus
        }
        overall = together(own.values())
        categories: dict[int, Evidence] = {}
        for sku in skus:
            categories[sku.category_id] = categories.get(sku.category_id, NOTHING) + own[sku.id]
        for sku in skus:
            found[sku.id][kind] = shrunk(own[sku.id], categories[sku.category_id], overall)
    return found


def _plain(days: Mapping[date, int], before: date, length: int) -> int:
    """The mean of the last four weeks, seasons or not: what a person would reckon."""
    sold = sum(days.get(before - number * DAY, 0) for number in range(1, BASE_DAYS + 1))
    return round(sold / BASE_DAYS * length)
