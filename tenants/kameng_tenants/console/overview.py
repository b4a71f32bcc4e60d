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
from kameng.web import require_staff
from kameng_tenants.console import blueprint

DAYS = 14


@dataclass(frozen=True, slots=True)
class Day:
    """One bar of the chart: what was earned (scale 4)."""

    label: str
    amount: int
    height: int


@blueprint.get("/")
@require_staff("dashboard.view")
def overview() -> str:
    """Figures of today, earnings by day, the latest orders."""
    today = midnight()
    days = _days(today)
    return render_template(
        "station_console/overview.html",
        figures=orders.station_figures(today),
        earnings=ledger.station_earnings(g.station.id, today),
        days=days,
        top=max((day.amount for day in days), default=0),
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
    top = max(amounts) or 1
    return [
        Day(start.strftime("%m-%d"), amount, amount * 120 // top)
        for start, amount in zip(starts, amounts, strict=True)
    ]
