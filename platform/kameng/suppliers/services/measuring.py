"""What scorecards measure, read from purchases, disputes, papers and costs. Main scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db
from kameng.suppliers.domain.steadiness import Change, OfferCosts, price_unrest

# Refusals that say nothing about the supplier: our settings, our money there, what a shopper typed.
OUR_FAULT = ("misconfigured", "balance", "signature", "account", "address", "fields", "quantity")
NO_STOCK = ("no_stock", "out_of_stock", "sold_out")
NO_ANSWER = ("no_answer", "timed_out", "plugin_error")
ANNOUNCED = ("notice", "portal", "staff")  # a rise that only a synchronisation found was not

_PURCHASES = text("""
WITH mine AS (
  SELECT p.*, f.stock IS NOT NULL AS tells_stock, EXISTS (SELECT 1 FROM purchase_exchange e
           WHERE e.station_id = p.station_id AND e.purchase_id = p.id AND e.outcome = 'unknown'
           AND e.code = ANY(:no_answer)) AS silent
  FROM purchase p JOIN supplier s ON s.id = p.supplier_id AND NOT s.internal
  LEFT JOIN supply_offer f ON f.id = p.offer_id
  WHERE p.created_at > now() - make_interval(days => :days) AND p.sends > 0
    AND p.code <> ALL(:ours))
SELECT supplier_id, count(*) AS sent, count(*) FILTER (WHERE silent) AS silent,
       count(*) FILTER (WHERE state IN ('succeeded', 'declined')) AS ended,
       count(*) FILTER (WHERE state = 'succeeded') AS good,
       count(*) FILTER (WHERE state = 'succeeded'
         AND done_at <= sent_at + make_interval(secs => :on_time_s)) AS in_time,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - sent_at)::int)
         FILTER (WHERE state = 'succeeded') AS p50_s,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - sent_at)::int)
         FILTER (WHERE state = 'succeeded') AS p95_s,
       count(*) FILTER (WHERE tells_stock AND state IN ('succeeded', 'declined')) AS told,
       count(*) FILTER (WHERE tells_stock AND state = 'declined' AND code = ANY(:no_stock)) AS empty
FROM mine GROUP BY supplier_id
""")
_DISPUTES = text("""
SELECT supplier_id,
       count(*) FILTER (WHERE first_answer_at IS NOT NULL OR due_at < now()) AS judged,
       count(*) FILTER (WHERE first_answer_at <= due_at) AS answered,
       count(*) FILTER (WHERE purchase_id IS NOT NULL
         AND (state = 'agreed' OR coalesce(agreed, 0) > 0)) AS upheld
FROM supply_dispute WHERE opened_at > now() - make_interval(days => :days)
  AND opened_by NOT LIKE 'supplier%' GROUP BY supplier_id
""")
# A licence is valid while an approved one of its kind is; who we deal with must be known at all.
_PAPERS = text("""
WITH kinds AS (
  SELECT supplier_id, kind, max(coalesce(valid_until, 'infinity'::date)) AS until
  FROM supplier_document WHERE state = 'approved'
    AND kind IN ('business_licence', 'identity', 'telecom_licence', 'brand_authorisation')
  GROUP BY supplier_id, kind)
SELECT supplier_id, bool_and(until >= current_date)
         AND bool_or(kind IN ('business_licence', 'identity')) AS valid
FROM kinds GROUP BY supplier_id
""")
_OFFERS = text("""
SELECT f.supplier_id, f.id, f.cost FROM supply_offer f JOIN supplier s ON s.id = f.supplier_id
WHERE f.sku_id IS NOT NULL AND f.gone_at IS NULL AND NOT s.internal
""")
_CHANGES = text("""
SELECT h.offer_id, (h.at AT TIME ZONE 'Asia/Shanghai')::date AS day, h.old_cost, h.new_cost,
       h.source
FROM supply_offer_change h WHERE h.at > now() - make_interval(days => :days)
  AND h.old_cost IS NOT NULL AND h.old_cost <> h.new_cost ORDER BY h.offer_id, h.at, h.id
""")
_TODAY = text("SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One supplier in the window: values by metric (None: no data) and the counts behind them."""

    ended: int = 0
    values: Mapping[str, Fraction | None] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    p50_s: int | None = None
    p95_s: int | None = None


def measure(days: int, on_time_s: int) -> dict[int, Measured]:
    """Every supplier that has anything to measure in the last `days`. `on_time_s` in seconds."""
    given = {
        "days": days, "on_time_s": on_time_s, "ours": list(OUR_FAULT), "no_stock": list(NO_STOCK),
        "no_answer": list(NO_ANSWER),
    }  # fmt: skip
    purchases = _by_supplier(db.session.execute(_PURCHASES, given))
    disputes = _by_supplier(db.session.execute(_DISPUTES, {"days": days}))
    papers = _by_supplier(db.session.execute(_PAPERS))
    unrest = _unrest(days)
    everyone = {*purchases, *disputes, *papers, *unrest}
    return {
        number: _measured(
            purchases.get(number), disputes.get(number), papers.get(number), unrest.get(number)
        )
        for number in everyone
    }


def _measured(
    bought: Row[Any] | None,
    disputed: Row[Any] | None,
    papers: Row[Any] | None,
    unrest: Fraction | None,
) -> Measured:
    counts = {} if bought is None else {k: v for k, v in bought._mapping.items() if k in _COUNTS}
    good = counts.get("good", 0)
    judged = disputed.judged if disputed is not None else 0
    upheld = disputed.upheld if disputed is not None else 0
    told = counts.get("told", 0)
    values = {
        "success": _part(good, counts.get("ended", 0)),
        "on_time": _part(counts.get("in_time", 0), good),
        "time_outs": _part(counts.get("silent", 0), counts.get("sent", 0)),
        "stock_accuracy": _part(told - counts.get("empty", 0), told),
        "after_sales": _part(disputed.answered, judged) if disputed is not None else None,
        "price_stability": unrest,
        "complaints": _part(upheld, good),
        "papers": Fraction(papers is not None and bool(papers.valid)),
    }
    return Measured(
        ended=counts.get("ended", 0), values=values,
        counts={**counts, "judged": judged, "upheld": upheld},
        p50_s=bought.p50_s if bought is not None else None,
        p95_s=bought.p95_s if bought is not None else None,
    )  # fmt: skip


_COUNTS = frozenset({"sent", "silent", "ended", "good", "in_time", "told", "empty"})


def _unrest(days: int) -> dict[int, Fraction | None]:
    today: date = db.session.execute(_TODAY).scalar_one()
    changes: dict[int, list[Change]] = {}
    for row in db.session.execute(_CHANGES, {"days": days}):
        told = row.source in ANNOUNCED
        change = Change(day=row.day, old=row.old_cost, new=row.new_cost, announced=told)
        changes.setdefault(row.offer_id, []).append(change)
    offers: dict[int, list[OfferCosts]] = {}
    for row in db.session.execute(_OFFERS):
        offer = OfferCosts(cost=row.cost, changes=changes.get(row.id, ()))
        offers.setdefault(row.supplier_id, []).append(offer)
    first = today - timedelta(days=days - 1)
    return {number: price_unrest(found, first, today) for number, found in offers.items()}


def _part(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def _by_supplier(rows: Any) -> dict[int, Row[Any]]:
    return {row.supplier_id: row for row in rows}
