"""How suppliers stand: statements, scorecards of three months, a plan for the next festival."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text

from kameng.db import db, main_scope, supplier_scope
from kameng.ops.demo.supply import DemoSupplier, Market, load
from kameng.suppliers import api as suppliers

BUYER = "staff:5"
GRADES = ((900, "A"), (750, "B"), (600, "C"), (1, "D"))
PAUSED = {"code": "paused", "value": 4000, "limit": 5000, "purchases": 10}
# Past cards show the measures of today's: only points and grade tell their own story.
_SCORE = text("""
INSERT INTO supplier_score(supplier_id, at, purchases, score, grade, metrics, reasons)
SELECT :supplier, CAST(:at AS timestamptz), (SELECT count(*) FROM purchase p
    WHERE p.supplier_id = :supplier AND p.created_at < CAST(:at AS timestamptz)
    AND p.created_at > CAST(:at AS timestamptz) - interval '30 days'),
  :score, CAST(:grade AS text), coalesce((SELECT metrics FROM supplier_score x
    WHERE x.supplier_id = :supplier ORDER BY id LIMIT 1), '{}'), CAST(:reasons AS jsonb)
""")
_PLAN = text("""
INSERT INTO purchase_plan(name, season, starts_on, ends_on, state, note, created_by, created_at,
  started_at) VALUES (:name, :code, :first, :last, 'active', :note, :actor,
  now() - interval '3 days', now() - interval '2 days') RETURNING id
""")
# As many as in the last four weeks, for the days of the plan, and more of it.
_LINES = text("""
INSERT INTO purchase_plan_line(plan_id, sku_id, forecast, explain, in_stock, planned, supplier_id)
SELECT :plan, q.sku_id, q.forecast,
  jsonb_build_object('daily', round(q.daily, 2), 'uplift', CAST(:uplift AS numeric), 'from', 'last_28_days'),
  q.free, ceil(q.forecast * 1.2) - q.free, f.supplier_id
FROM (SELECT o.sku_id, sum(o.quantity) / 28.0 AS daily,
    ceil(sum(o.quantity) / 28.0 * :days * CAST(:uplift AS numeric))::int AS forecast,
    (SELECT count(*) FROM card c WHERE c.sku_id = o.sku_id AND c.status = 0)::int AS free
  FROM orders o WHERE o.state IN ('delivered', 'completed') AND o.created_at > now() - interval '28 days'
  GROUP BY o.sku_id) q
LEFT JOIN LATERAL (SELECT x.supplier_id FROM supply_offer x JOIN supplier s ON s.id = x.supplier_id
  WHERE x.sku_id = q.sku_id AND s.state = 'active' ORDER BY x.cost, x.id LIMIT 1) f ON true
WHERE q.forecast * 1.2 > q.free
""")  # noqa: E501  # SQL reads better in whole clauses


def judge(market: Market, now: datetime) -> None:
    """Everything that is reckoned from the past, after it has got its times."""
    with main_scope(reason="demo"):
        suppliers.draw_up_due()
        suppliers.compute_scores()
        for one in market.suppliers.values():
            _past_scores(one, now)
        _plan(now.date())
        db.session.commit()
    for one in market.suppliers.values():
        _answer_statements(one)


def _past_scores(one: DemoSupplier, now: datetime) -> None:
    """A card a week, oldest first; 0 points: it did not trade yet."""
    weeks = one.script["scores"]
    before: str | None = None
    for number, score in enumerate(weeks):
        if not score:
            continue
        grade = next(grade for least, grade in GRADES if score >= least)
        reasons: list[dict[str, Any]] = []
        if before and before != grade:
            reasons = [{"code": "grade", "from": before, "to": grade}]
        at = now - timedelta(days=7 * (len(weeks) - number), hours=3)
        _keep_score(one, at, score, grade, reasons)
        before = grade
    if one.script.get("state") == "paused":
        last = now - timedelta(days=one.script["traded_days"][0])
        _keep_score(one, last, weeks[-1], "D", [PAUSED])


def _keep_score(
    one: DemoSupplier, at: datetime, score: int, grade: str, reasons: list[dict[str, Any]]
) -> None:
    db.session.execute(_SCORE, {
        "supplier": one.id, "at": at, "score": score, "grade": grade,
        "reasons": json.dumps(reasons),
    })  # fmt: skip


def _answer_statements(one: DemoSupplier) -> None:
    """All but the newest one are confirmed; one supplier reckons otherwise."""
    who = f"supplier:{one.id}"
    with supplier_scope(one.id):
        drawn = suppliers.statements_of(one.id)
    for statement in drawn[1:]:
        odd = one.script["code"] == "suda" and statement.id == drawn[1].id
        total = statement.purchases - statement.refunds + 26_3000
        suppliers.answer_statement(
            one.id, statement.id, agrees=not odd, total=total if odd else None,
            comment="我方多一笔 26.30 元的话费" if odd else "", who=who,
        )  # fmt: skip


def _plan(today: date) -> None:
    plan = load()["plan"]
    name, code, first, last = min(
        (_next(festival, today) for festival in plan["festivals"]), key=lambda found: found[2]
    )
    number = db.session.execute(_PLAN, {
        "name": f"{last.year} {name}备货", "code": code, "first": first, "last": last,
        "note": "按近四周日均销量和节日系数估算", "actor": BUYER,
    }).scalar_one()  # fmt: skip
    days = (last - first).days + 1
    db.session.execute(_LINES, {"plan": number, "days": days, "uplift": plan["uplift"]})


def _next(festival: list[Any], today: date) -> tuple[str, str, date, date]:
    """Name, code, first day of the run-up and last day of its next occurrence."""
    name, code, (month, day), (last_month, last_day), run_up = festival
    for year in (today.year, today.year + 1):
        begin = date(year, month, day) - timedelta(days=run_up)
        if begin > today:
            break
    return name, code, begin, date(year, last_month, last_day)
