"""Purchase plans: made from a forecast, edited, started, closed. Main scope."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.planning.domain.plans import suggested
from kameng.planning.services.forecasting import SkuForecast, outlook
from kameng.planning.services.history import planned_skus

MOST_NAME = 60
MOST_PIECES = 10_000_000
COVERS = ("p90", "p50")  # how sure a plan wants to be

_ADD = text("""
INSERT INTO purchase_plan(name, season, starts_on, ends_on, note, created_by)
VALUES (:name, :season, :first, :last, :note, :actor) RETURNING id
""")
_LINE = text("""
INSERT INTO purchase_plan_line(plan_id, sku_id, forecast, explain, planned, supplier_id)
VALUES (:plan, :sku, :forecast, CAST(:explain AS jsonb), :planned, :supplier)
ON CONFLICT (plan_id, sku_id) DO NOTHING RETURNING sku_id
""")
_STATE = text("SELECT state, starts_on, ends_on FROM purchase_plan WHERE id = :id FOR UPDATE")
_EDIT = text("""
UPDATE purchase_plan_line SET planned = :planned, supplier_id = :supplier, note = :note
WHERE plan_id = :plan AND sku_id = :sku
  AND (planned, supplier_id, note) IS DISTINCT FROM (:planned, CAST(:supplier AS bigint), :note)
RETURNING sku_id
""")
_FREEZE = text("""
UPDATE purchase_plan_line l SET in_stock = coalesce(s.free, 0)
FROM unnest(CAST(:skus AS bigint[]), CAST(:counts AS int[])) AS s(sku_id, free)
WHERE l.plan_id = :plan AND l.sku_id = s.sku_id
""")
_START = text("UPDATE purchase_plan SET state = 'active', started_at = now() WHERE id = :id")
_CLOSE = text("UPDATE purchase_plan SET state = 'closed', closed_at = now() WHERE id = :id")
_DROP = text("DELETE FROM purchase_plan WHERE id = :id")
_DROP_LINE = text("DELETE FROM purchase_plan_line WHERE plan_id = :plan AND sku_id = :sku")
# Cards that can still be sold when the plan's days begin.
_FREE = text("""
SELECT sku_id, count(*)::int AS free FROM card
WHERE status = 0 AND (expires_on IS NULL OR expires_on > :day) GROUP BY sku_id
""")
# Who sells it for least today, among those that may be asked.
_CHEAPEST = text("""
SELECT DISTINCT ON (f.sku_id) f.sku_id, f.supplier_id FROM supply_offer f
JOIN supplier s ON s.id = f.supplier_id AND s.state = 'active' AND NOT s.internal
WHERE f.sku_id IS NOT NULL AND f.active AND f.on_sale AND f.gone_at IS NULL
ORDER BY f.sku_id, f.cost, f.id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What staff decided about one line."""

    planned: int
    supplier_id: int | None
    note: str = ""


def make_plan(
    name: str,
    first: date,
    last: date,
    actor: str,
    *,
    season: str = "",
    cover: str = "p90",
    note: str = "",
    ip: str = "",
) -> int:
    """A draft with a line for each SKU that will sell; its id. Raises `DomainError`."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= MOST_NAME:
        raise DomainError("plan_invalid", _l("请填写名称，最多 60 个字"), field="name")
    if cover not in COVERS:
        raise DomainError("plan_invalid", _l("备货水平不对"), field="cover")
    seen = outlook(first, last)
    given = {"name": name, "season": season, "first": first, "last": last, "note": note[:500]}
    plan_id = int(db.session.execute(_ADD, {**given, "actor": actor}).scalar_one())
    free, cheapest = free_stock(first), _cheapest()
    for one in seen.by_sku.values():
        if one.sku.on_sale and one.forecast.p90:
            _add_line(plan_id, one, cover, free.get(one.sku.id, 0), cheapest.get(one.sku.id))
    audit(actor, "plan.create", f"plan:{plan_id}", {"name": name, "season": season}, ip)
    db.session.commit()
    return plan_id


def add_line(plan_id: int, sku_code: str, actor: str, ip: str = "") -> None:
    """One SKU more in a draft, with its forecast. Raises `DomainError("sku_unknown")`."""
    plan = _locked(plan_id, "draft")
    sku = next((s for s in planned_skus() if s.code.lower() == sku_code.strip().lower()), None)
    if sku is None:
        raise DomainError("sku_unknown", _l("没有这个规格编号"))
    one = outlook(plan.starts_on, plan.ends_on).by_sku[sku.id]
    added = _add_line(
        plan_id, one, "p90", free_stock(plan.starts_on).get(sku.id, 0), _cheapest().get(sku.id)
    )
    if not added:
        raise Conflict("line_exists", _l("这个规格已经在计划里"))
    audit(actor, "plan.line", f"plan:{plan_id}", {"sku_id": sku.id, "kind": "add"}, ip)
    db.session.commit()


def drop_line(plan_id: int, sku_id: int, actor: str, ip: str = "") -> None:
    """Take a SKU out of a draft."""
    _locked(plan_id, "draft")
    db.session.execute(_DROP_LINE, {"plan": plan_id, "sku": sku_id})
    audit(actor, "plan.line", f"plan:{plan_id}", {"sku_id": sku_id, "kind": "drop"}, ip)
    db.session.commit()


def save_lines(plan_id: int, edits: Mapping[int, Edit], actor: str, ip: str = "") -> int:
    """Set planned pieces and suppliers; returns how many lines changed. Until it is closed."""
    _locked(plan_id, "draft", "active")
    changed: dict[str, int] = {}
    for sku_id, edit in edits.items():
        if not 0 <= edit.planned <= MOST_PIECES:
            raise DomainError("plan_invalid", _l("计划数量要在 0 到一千万之间"), field=sku_id)
        given = {
            "plan": plan_id, "sku": sku_id, "planned": edit.planned,
            "supplier": edit.supplier_id, "note": edit.note[:200],
        }  # fmt: skip
        if db.session.execute(_EDIT, given).first() is not None:
            changed[str(sku_id)] = edit.planned
    if changed:
        audit(actor, "plan.lines", f"plan:{plan_id}", {"new": changed}, ip)
    db.session.commit()
    return len(changed)


def start_plan(plan_id: int, actor: str, ip: str = "") -> None:
    """From here on progress is counted; what is in stock now is frozen."""
    plan = _locked(plan_id, "draft")
    free = free_stock(plan.starts_on)
    given = {"plan": plan_id, "skus": list(free), "counts": list(free.values())}
    db.session.execute(_FREEZE, given)
    db.session.execute(_START, {"id": plan_id})
    audit(actor, "plan.start", f"plan:{plan_id}", {}, ip)
    db.session.commit()


def close_plan(plan_id: int, actor: str, ip: str = "") -> None:
    """Nothing more is counted."""
    _locked(plan_id, "active")
    db.session.execute(_CLOSE, {"id": plan_id})
    audit(actor, "plan.close", f"plan:{plan_id}", {}, ip)
    db.session.commit()


def drop_plan(plan_id: int, actor: str, ip: str = "") -> None:
    """Throw a draft away."""
    _locked(plan_id, "draft")
    db.session.execute(_DROP, {"id": plan_id})
    audit(actor, "plan.drop", f"plan:{plan_id}", {}, ip)
    db.session.commit()


def free_stock(day: date) -> dict[int, int]:
    """Unsold cards by SKU that are still good after a day."""
    return {row.sku_id: row.free for row in db.session.execute(_FREE, {"day": day})}


def _add_line(plan_id: int, one: SkuForecast, cover: str, free: int, supplier: int | None) -> bool:
    wanted = one.forecast.p90 if cover == "p90" else one.forecast.p50
    explain = {**one.forecast.explain, "p90": one.forecast.p90, "cover": cover}
    given = {
        "plan": plan_id, "sku": one.sku.id, "forecast": one.forecast.p50,
        "explain": json.dumps(explain), "planned": suggested(wanted, free), "supplier": supplier,
    }  # fmt: skip
    return db.session.execute(_LINE, given).first() is not None


def _cheapest() -> dict[int, int]:
    return {row.sku_id: row.supplier_id for row in db.session.execute(_CHEAPEST)}


def _locked(plan_id: int, *states: str) -> Any:
    plan = db.session.execute(_STATE, {"id": plan_id}).first()
    if plan is None:
        raise NotFound("plan_unknown", _l("没有这个备货计划。"))
    if plan.state not in states:
        raise Conflict("plan_moved_on", _l("这个计划的状态已经变了，请刷新再看。"))
    return plan


def supplier_choices() -> Sequence[tuple[int, str]]:
    """Suppliers that a line may name."""
    rows = db.session.execute(
        text("SELECT id, name FROM supplier WHERE NOT internal AND state = 'active' ORDER BY name")
    )
    return [(row.id, row.name) for row in rows]
