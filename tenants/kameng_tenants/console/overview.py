"""How the shop is doing today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from flask import g, render_template

from kameng.ledger import api as ledger
from kameng.orders import api as orders
from kameng.runtime import current_settings
from kameng.settlement import api as settlement
from kameng.web import require_staff
from kameng_tenants.console import blueprint

DAYS = 14


@dataclass(frozen=True, slots=True)
class Day:
    """One bar of the chart: what was earned (scale 4)."""

    label: str
    amount: int
    height: int


@dataclass(frozen=True, slots=True)
class Past:
    """The whole of yesterday: what the morning's small numbers are read against."""

    profit: int
    turnover: int
    orders: int


@blueprint.get("/")
@require_staff("dashboard.view")
def overview() -> str:
    """Figures of today, earnings by day, the latest orders."""
    today = midnight()
    days = _days(today)
    figures = orders.station_figures(today)
    top = _round_up(max((day.amount for day in days), default=0))
    return render_template(
        "station_console/overview.html",
        figures=figures,
        yesterday=_yesterday(today, figures, days),
        earnings=ledger.station_earnings(g.station.id, today),
        funds=settlement.funds(g.station.id) if g.viewer.can("settlement.view") else None,
        days=days,
        ticks=[(140 - step * 40, top * step // 3) for step in range(4)],
        latest=orders.station_orders(size=8).items,
        waiting=orders.station_orders(("held", "fulfilling", "partially_delivered"), size=50).items,
        now=datetime.now(zone()),
    )


def zone() -> ZoneInfo:
    """The shop's time zone."""
    return ZoneInfo(current_settings().timezone)


def midnight() -> datetime:
    """Start of the shop's day."""
    return datetime.now(zone()).replace(hour=0, minute=0, second=0, microsecond=0)


def _days(today: datetime) -> list[Day]:
    """Earnings of each of the last days, as differences of sums since their midnights."""
    starts = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    since = [ledger.station_earnings(g.station.id, start).since for start in starts] + [0]
    amounts = [max(0, first - second) for first, second in pairwise(since)]
    top = _round_up(max(amounts))
    return [
        Day(start.strftime("%m-%d"), amount, amount * 120 // top)
        for start, amount in zip(starts, amounts, strict=True)
    ]


def _yesterday(today: datetime, now: orders.StationFigures, days: list[Day]) -> Past:
    """Sums since yesterday's midnight without those since today's."""
    since = orders.station_figures(today - timedelta(days=1))
    return Past(days[-2].amount, since.turnover - now.turnover, since.orders - now.orders)


def _round_up(amount: int) -> int:
    """The chart's top: three steps of a round number of yuan."""
    step = 10_000
    while step * 3 < amount:
        for factor in (2, 3, 4, 5, 6, 8, 10):
            if step * factor * 3 >= amount:
                return step * factor * 3
        step *= 10
    return step * 3
