"""What was sold on which day, read for stretches of days only. Main scope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sqlalchemy import text

from kameng.db import db
from kameng.planning.services.calendar import CHINA

DAY = timedelta(days=1)

# An order counts on the day it was paid; created_at is indexed, and paid within a day of it.
_SOLD = text("""
SELECT o.sku_id, (coalesce(o.paid_at, o.created_at) AT TIME ZONE 'Asia/Shanghai')::date AS day,
       sum(o.quantity - o.short)::int AS pieces
FROM orders o WHERE o.state IN ('delivered', 'completed')
  AND o.created_at >= :after AND o.created_at < :before GROUP BY 1, 2
""")
_SKUS = text("""
SELECT s.id, s.code, p.name || ' ' || s.name AS name, p.category_id, c.name AS category, p.kind,
       (s.created_at AT TIME ZONE 'Asia/Shanghai')::date AS since,
       p.state = 'on_sale' AND s.state = 'on_sale' AS on_sale
FROM sku s JOIN product p ON p.id = s.product_id JOIN category c ON c.id = p.category_id
WHERE p.kind <> 'bundle' ORDER BY c.position, p.position, p.id, s.position, s.id
""")
# The first four weeks of what came on sale within a year, by category.
_NEWCOMERS = text("""
SELECT p.category_id, coalesce(sum(q.pieces), 0) / (28.0 * count(*)) AS daily
FROM sku s JOIN product p ON p.id = s.product_id
LEFT JOIN LATERAL (SELECT sum(o.quantity - o.short) AS pieces FROM orders o
  WHERE o.sku_id = s.id AND o.state IN ('delivered', 'completed')
  AND o.created_at >= s.created_at AND o.created_at < s.created_at + interval '28 days') q ON true
WHERE s.created_at BETWEEN CAST(:today AS date) - interval '400 days'
  AND CAST(:today AS date) - interval '28 days'
GROUP BY p.category_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSku:
    """A SKU as planning sees it; `since` is its first day on sale, or its first sale."""

    id: int
    code: str
    name: str
    category_id: int
    category: str
    kind: str
    since: date
    on_sale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Pieces by SKU and day in the stretches that were read."""

    sold: dict[int, dict[date, int]] = field(default_factory=dict)

    def of(self, sku_id: int) -> dict[date, int]:
        """One SKU's days."""
        return self.sold.get(sku_id, {})


def sold_in(stretches: Iterable[tuple[date, date]]) -> History:
    """Sales of all SKUs on the days of these stretches (both ends included)."""
    history = History()
    for first, last in merged(stretches):
        given = {"after": _midnight(first - DAY), "before": _midnight(last + DAY)}
        for row in db.session.execute(_SOLD, given):
            if first <= row.day <= last:
                days = history.sold.setdefault(row.sku_id, {})
                days[row.day] = days.get(row.day, 0) + row.pieces
    return history


def merged(stretches: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    """Stretches that touch become one, so that no day is counted twice."""
    found: list[tuple[date, date]] = []
    for first, last in sorted(stretches):
        if found and first <= found[-1][1] + DAY:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def planned_skus() -> list[PlannedSku]:
    """Every SKU but bundles, in the order of the shop."""
    return [PlannedSku(**row._mapping) for row in db.session.execute(_SKUS)]


def newcomers(today: date) -> dict[int, float]:
    """Pieces a day that newcomers of a category sold in their first four weeks."""
    rows = db.session.execute(_NEWCOMERS, {"today": today})
    return {row.category_id: float(row.daily) for row in rows}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, CHINA)
