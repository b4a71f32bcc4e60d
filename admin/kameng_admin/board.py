"""Figures of the day's board, read in the main scope. Amounts at scale 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from kameng.db import db
from kameng.runtime import current_settings

# Days of a span; "24h" ends now, so that the board says something at 00:20 too.
SPANS = {"24h": 1, "today": 1, "7d": 7, "30d": 30}
USUAL = "24h"
HOURLY = ("24h", "today")

# created_at is indexed, paid_at is not: an order is paid within hours of its making.
BUCKET_SQL = text("""
    SELECT date_trunc(:unit, o.paid_at AT TIME ZONE :zone) AS bucket, count(*) AS orders,
           sum(o.payable)::bigint AS turnover,
           count(*) FILTER (WHERE o.state IN ('delivered', 'completed')) AS delivered,
           count(*) FILTER (
             WHERE o.state IN ('paid', 'fulfilling', 'held', 'partially_delivered')) AS working,
           count(*) FILTER (WHERE o.state IN ('refunding', 'refunded', 'failed')) AS refunded,
           coalesce(sum(c.margins[1] * o.quantity) FILTER (
             WHERE o.state NOT IN ('refunding', 'refunded', 'failed')), 0)::bigint AS margin
      FROM orders o JOIN order_cost c ON c.station_id = o.station_id AND c.order_id = o.id
     WHERE o.created_at >= CAST(:start AS timestamptz) - interval '1 day'
       AND o.paid_at >= :start AND o.paid_at < :end
     GROUP BY 1 ORDER BY 1
""")
LOW_SQL = text("""
    SELECT s.id, s.code, s.low_stock, p.name || ' ' || s.name AS name, f.free,
           coalesce(d.sold, 0)::bigint AS sold
      FROM sku s JOIN product p ON p.id = s.product_id AND p.kind = 'card' AND p.state = 'on_sale'
      CROSS JOIN LATERAL (SELECT count(*) AS free FROM
            (SELECT 1 FROM card WHERE sku_id = s.id AND status = 0 LIMIT 1001) x) f
      LEFT JOIN (SELECT sku_id, sum(quantity) AS sold FROM orders
                  WHERE created_at >= now() - interval '1 day' AND paid_at IS NOT NULL GROUP BY 1) d
             ON d.sku_id = s.id
     WHERE s.state = 'on_sale' AND s.sourcing <> 'supplier' AND f.free <= s.low_stock
     ORDER BY f.free * 24.0 / greatest(coalesce(d.sold, 0), 0.01), f.free, s.id LIMIT 200
""")
CHANNEL_SQL = text("""
    SELECT plugin_id, count(*) FILTER (WHERE state = 'succeeded') AS good,
           count(*) FILTER (WHERE state IN ('succeeded', 'unknown')
                               OR state = 'declined' AND message <> '') AS ended,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM paid_at - created_at))
             FILTER (WHERE paid_at IS NOT NULL) AS slow_s,
           coalesce(sum(amount) FILTER (WHERE state = 'succeeded'), 0)::bigint AS amount
      FROM payment_attempt WHERE created_at >= now() - interval '1 day' GROUP BY 1 ORDER BY 3 DESC
""")
NEWS_SQL = text("""
    SELECT e.station_id, e.actor, e.action, e.subject, e.detail, e.at, s.name AS station
      FROM audit_event e JOIN station s ON s.id = e.station_id
     WHERE e.action NOT LIKE 'login.%' AND e.action NOT LIKE 'card.reveal%'
     ORDER BY e.id DESC LIMIT 6
""")


@dataclass(frozen=True, slots=True)
class Bucket:
    """One hour or one day."""

    at: datetime
    orders: int = 0
    turnover: int = 0
    delivered: int = 0
    working: int = 0
    refunded: int = 0
    margin: int = 0


@dataclass(frozen=True, slots=True)
class Sums:
    """A span added up."""

    orders: int
    turnover: int
    delivered: int
    refunded: int
    margin: int

    @property
    def success(self) -> float | None:
        """Share of ended orders that were delivered, in percent."""
        ended = self.delivered + self.refunded
        return self.delivered * 100 / ended if ended else None

    @property
    def refund_rate(self) -> float | None:
        """Share of paid orders given back, in percent."""
        return self.refunded * 100 / self.orders if self.orders else None


@dataclass(frozen=True, slots=True)
class Board:
    """A span and the one before it, bucket by bucket."""

    span: str
    now: datetime
    buckets: Sequence[Bucket]
    before: Sequence[Bucket]
    total: Sums
    total_before: Sums  # up to the same moment of its span
    current: int  # index of the bucket that is running


@dataclass(frozen=True, slots=True)
class LowSku:
    """A SKU near its end; `hours` until sold out at the pace of the last day."""

    id: int
    code: str
    name: str
    free: int
    hours: float | None


def load_board(span: str, now: datetime | None = None) -> Board:
    """Figures of 24 hours, today, 7 or 30 days, beside the span before (a day: same weekday).

    The sums of "24h" reach back exactly 24 hours; its bars are whole hours, the last one running.
    """
    zone = ZoneInfo(current_settings().timezone)
    now = (now or datetime.now(zone)).astimezone(zone)
    days = SPANS.get(span, 1)
    start, end = _reach(span, now, days)
    back = timedelta(days=7 if days == 1 else days)
    first = now - timedelta(days=1) if span == "24h" else start
    hourly = span in HOURLY
    buckets = _buckets(start, end, days, hourly)
    return Board(
        span,
        now,
        buckets,
        _buckets(start - back, end - back, days, hourly),
        _sum(_buckets(first, now, days, hourly, strict=False)),
        _sum(_buckets(first - back, now - back, days, hourly, strict=False)),
        now.hour if span == "today" else len(buckets) - 1,
    )


def _reach(span: str, now: datetime, days: int) -> tuple[datetime, datetime]:
    """First and last moment of the bars: whole hours of a day, whole days of a week."""
    if span == "24h":
        hour = now.replace(minute=0, second=0, microsecond=0)
        return hour - timedelta(hours=23), hour + timedelta(hours=1)
    midnight = datetime.combine(now.date(), time.min, now.tzinfo)
    return midnight - timedelta(days=days - 1), midnight + timedelta(days=1)


def _buckets(
    start: datetime, end: datetime, days: int, hourly: bool, strict: bool = True
) -> list[Bucket]:
    """Figures by hour or day; `strict` gives every bar its place, else only what is there."""
    rows = db.session.execute(
        BUCKET_SQL,
        {
            "unit": "hour" if hourly else "day",
            "zone": str(start.tzinfo),
            "start": start,
            "end": end,
        },
    )
    found = {row.bucket: row for row in rows}
    if not strict:
        return [_bucket(at, row) for at, row in found.items()]
    step = timedelta(hours=1) if hourly else timedelta(days=1)
    first = start.replace(tzinfo=None)
    marks = [first + step * number for number in range(24 if hourly else days)]
    return [_bucket(at, found.get(at)) for at in marks]


def _bucket(at: datetime, row: Any) -> Bucket:
    if row is None:
        return Bucket(at)
    return Bucket(
        at, row.orders, row.turnover, row.delivered, row.working, row.refunded, row.margin
    )


def _sum(buckets: Sequence[Bucket]) -> Sums:
    return Sums(
        sum(b.orders for b in buckets),
        sum(b.turnover for b in buckets),
        sum(b.delivered for b in buckets),
        sum(b.refunded for b in buckets),
        sum(b.margin for b in buckets),
    )


def low_skus() -> list[LowSku]:
    """Card SKUs at or below their mark, the soonest sold out first."""
    rows = db.session.execute(LOW_SQL)
    return [
        LowSku(row.id, row.code, row.name, row.free, row.free * 24 / row.sold if row.sold else None)
        for row in rows
    ]


def channels() -> Sequence[Any]:
    """Payment plugins over the last day: share of success, slow end of the time to pay, sum."""
    return list(db.session.execute(CHANNEL_SQL))


def news() -> Sequence[Any]:
    """The latest audited happenings of all stations."""
    return list(db.session.execute(NEWS_SQL))
