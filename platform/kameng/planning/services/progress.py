"""Plans as pages show them: lines, what has come since the start, who is behind. Main scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, text

from kameng.db import db
from kameng.errors import NotFound
from kameng.planning.domain.plans import Progress, progress, suggested
from kameng.planning.services.calendar import CHINA, today
from kameng.planning.services.plans import free_stock
from kameng.stock.api import close_alert, raise_alert

ALERT = "plan_behind"

_PLANS = text("""
SELECT p.*, (SELECT count(*) FROM purchase_plan_line l WHERE l.plan_id = p.id) AS skus,
       (SELECT coalesce(sum(l.planned), 0) FROM purchase_plan_line l WHERE l.plan_id = p.id)
         AS planned
FROM purchase_plan p WHERE CAST(:only AS bigint) IS NULL OR p.id = :only
ORDER BY array_position(ARRAY['active', 'draft', 'closed'], p.state), p.starts_on, p.id
""")
_LINES = text("""
SELECT l.*, s.code, p.name || ' ' || s.name AS name, c.name AS category, p.kind,
       u.name AS supplier
FROM purchase_plan_line l JOIN sku s ON s.id = l.sku_id JOIN product p ON p.id = s.product_id
JOIN category c ON c.id = p.category_id LEFT JOIN supplier u ON u.id = l.supplier_id
WHERE l.plan_id = :plan ORDER BY l.planned DESC, p.name, s.name
""")
# What has come since the start, up to the plan's last day: cards that were imported by people, and
# pieces that purchases delivered. Cards of a purchase are a batch too and would count twice.
_GOT = text("""
WITH span AS (SELECT id, started_at,
    least(coalesce(closed_at, 'infinity'),
          (ends_on + 1)::timestamp AT TIME ZONE 'Asia/Shanghai') AS until
  FROM purchase_plan WHERE started_at IS NOT NULL AND (CAST(:only AS bigint) IS NULL OR id = :only))
SELECT plan_id, sku_id, sum(pieces)::int AS pieces FROM (
  SELECT span.id AS plan_id, b.sku_id, b.imported AS pieces FROM span JOIN card_batch b
    ON b.source <> 'purchase' AND b.created_at >= span.started_at AND b.created_at < span.until
  UNION ALL
  SELECT span.id, p.sku_id, p.delivered FROM span JOIN purchase p
    ON p.state = 'succeeded' AND p.created_at >= span.started_at - interval '1 day'
    AND p.done_at >= span.started_at AND p.done_at < span.until) q
GROUP BY 1, 2
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """A plan in a list; `progress` None while it is a draft."""

    id: int
    name: str
    season: str
    starts_on: date
    ends_on: date
    state: str
    note: str
    created_by: str
    created_at: datetime
    started_at: datetime | None
    closed_at: datetime | None
    skus: int
    planned: int
    progress: Progress | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One SKU of a plan. `in_stock` is frozen at the start, and today's while it is a draft."""

    sku_id: int
    code: str
    name: str
    category: str
    kind: str
    forecast: int
    p90: int
    explain: Mapping[str, Any]
    in_stock: int
    suggested: int
    planned: int
    supplier_id: int | None
    supplier: str
    note: str
    got: int


def plans() -> list[PlanView]:
    """Active ones first, then drafts, then what is closed."""
    got = _got()
    rows = db.session.execute(_PLANS, {"only": None}).all()
    return [_view(row, got) for row in rows]


def plan(plan_id: int) -> PlanView:
    """One plan. Raises `NotFound`."""
    row = db.session.execute(_PLANS, {"only": plan_id}).first()
    if row is None:
        raise NotFound("plan_unknown")
    return _view(row, _got(plan_id))


def plan_lines(view: PlanView) -> list[LineView]:
    """Its SKUs, the largest first."""
    got = _got(view.id)
    free = free_stock(view.starts_on) if view.state == "draft" else None
    return [
        _line(row, got.get((view.id, row.sku_id), 0), free)
        for row in db.session.execute(_LINES, {"plan": view.id})
    ]


def watch_plans() -> int:
    """Raise an alert for each plan that is behind, close those of the others; returns how many
    are behind."""
    behind = 0
    for one in plans():
        late = one.state == "active" and one.progress is not None and one.progress.behind
        behind += late
        if late and one.progress is not None:
            title = _("备货计划“%(name)s”落后于进度", name=one.name)
            facts = {
                "plan_id": one.id, "name": one.name, "done": one.progress.done,
                "planned": one.progress.planned, "days_left": one.progress.days_left,
            }  # fmt: skip
            raise_alert(ALERT, f"plan:{one.id}", title, facts)
        else:
            close_alert(ALERT, f"plan:{one.id}")
    db.session.commit()
    return behind


def sheet_of(lines: Sequence[LineView], supplier_id: int | None) -> list[LineView]:
    """The lines that one supplier is to deliver, or (None) those without a supplier."""
    return [line for line in lines if line.planned and line.supplier_id == supplier_id]


def _view(row: Row[Any], got: Mapping[tuple[int, int], int]) -> PlanView:
    values = {name: row._mapping[name] for name in PlanView.__slots__ if name != "progress"}
    return PlanView(**values, progress=_progress(row, got))


def _progress(row: Row[Any], got: Mapping[tuple[int, int], int]) -> Progress | None:
    if row.started_at is None:
        return None
    lines = db.session.execute(
        text("SELECT sku_id, planned FROM purchase_plan_line WHERE plan_id = :id"), {"id": row.id}
    )
    ended = row.closed_at.astimezone(CHINA).date() if row.closed_at is not None else today()
    return progress(
        [(line.planned, got.get((row.id, line.sku_id), 0)) for line in lines],
        started=row.started_at.astimezone(CHINA).date(), ends=row.ends_on, today=ended,
    )  # fmt: skip


def _got(only: int | None = None) -> dict[tuple[int, int], int]:
    rows = db.session.execute(_GOT, {"only": only})
    return {(row.plan_id, row.sku_id): row.pieces for row in rows}


def _line(row: Row[Any], got: int, free: Mapping[int, int] | None) -> LineView:
    in_stock = row.in_stock if free is None else free.get(row.sku_id, 0)
    p90 = int(row.explain.get("p90", row.forecast))
    wanted = row.forecast if row.explain.get("cover") == "p50" else p90
    return LineView(
        sku_id=row.sku_id, code=row.code, name=row.name, category=row.category, kind=row.kind,
        forecast=row.forecast, p90=p90, explain=row.explain, in_stock=in_stock,
        suggested=suggested(wanted, in_stock), planned=row.planned, supplier_id=row.supplier_id,
        supplier=row.supplier or "", note=row.note, got=got,
    )  # fmt: skip
