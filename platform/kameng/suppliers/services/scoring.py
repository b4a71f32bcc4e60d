"""Scorecards: reckoned daily and on demand, kept with what moved them, shown and previewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db
from kameng.errors import NotFound
from kameng.identity.api import audit
from kameng.stock.api import close_alert
from kameng.suppliers.domain.recent import BEST_WHEN_DEMOTED, HELD_S, daily_may_lift
from kameng.suppliers.domain.scoring import Card, Rule, at_most, grade_of, reckon, what_moved
from kameng.suppliers.services import grading, recently
from kameng.suppliers.services.measuring import Measured, measure
from kameng.suppliers.services.score_rules import ScoreRules, ScoreTerms, score_rules

SYSTEM = "system"

_SCORED = text("""
SELECT id, name, state, pause_reason, grade, grade_fixed FROM supplier
WHERE NOT internal AND state IN ('active', 'paused') ORDER BY name, id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class GradePreview:
    """Which grade a supplier would get by other rules; nothing is written."""

    supplier_id: int
    name: str
    grade: str | None
    new_grade: str | None
    score: int | None
    purchases: int
    fixed: bool

    @property
    def changed(self) -> bool:
        """Whether the grade would be another."""
        return self.grade != self.new_grade


def compute_scores(actor: str = SYSTEM, ip: str = "") -> int:
    """A card for every supplier that trades; returns how many grades changed. Main scope."""
    found = score_rules()
    measured = measure(found.terms.window_days, found.terms.on_time_s)
    changed = 0
    for row in db.session.execute(_SCORED).all():
        changed += _one(row.id, measured.get(row.id, Measured()), found, actor, ip)
        db.session.commit()
    return changed


def compute_score(supplier_id: int, actor: str, ip: str = "") -> None:
    """The card of one supplier, now. Raises `NotFound` for one that is not scored."""
    if all(row.id != supplier_id for row in db.session.execute(_SCORED)):
        raise NotFound("supplier_not_scored")
    found = score_rules()
    measured = measure(found.terms.window_days, found.terms.on_time_s)
    _one(supplier_id, measured.get(supplier_id, Measured()), found, actor, ip)
    audit(actor, "score.compute", f"supplier:{supplier_id}", {}, ip)
    db.session.commit()


def preview_grades(rules: Sequence[Rule], terms: ScoreTerms) -> list[GradePreview]:
    """Who would get which grade by these rules. Main scope; reads only."""
    measured = measure(terms.window_days, terms.on_time_s)
    return [
        _preview(row, measured.get(row.id, Measured()), rules, terms)
        for row in db.session.execute(_SCORED)
    ]


def _preview(
    row: Row[Any], measured: Measured, rules: Sequence[Rule], terms: ScoreTerms
) -> GradePreview:
    card = reckon(measured.values, rules)
    graded = grade_of(card.score, measured.ended, terms.grades())
    return GradePreview(
        supplier_id=row.id, name=row.name, grade=row.grade, score=card.score,
        new_grade=row.grade if row.grade_fixed else graded, purchases=measured.ended,
        fixed=row.grade_fixed,
    )  # fmt: skip


def _one(supplier_id: int, measured: Measured, found: ScoreRules, actor: str, ip: str) -> bool:
    supplier = grading.locked(supplier_id)
    if supplier is None:
        return False
    _last_score, last = grading.last_card(supplier_id)
    card = reckon(measured.values, found.rules)
    graded = grade_of(card.score, measured.ended, found.terms.grades())
    reasons = what_moved(last, card.lines)
    if graded is None:
        reasons.append(
            {"code": "too_few", "value": measured.ended, "limit": found.terms.least_purchases}
        )
    grade = _held(supplier_id, graded, found, reasons)
    if supplier.grade_fixed:
        reasons.append({"code": "fixed", "grade": supplier.grade})
        grade = supplier.grade
    elif grade != supplier.grade:
        reasons.append({"code": "grade", "from": supplier.grade, "to": grade})
    grading.keep_card(
        supplier_id, purchases=measured.ended, score=card.score, grade=grade,
        metrics=_metrics(card, measured), reasons=reasons,
    )  # fmt: skip
    return grading.set_grade(supplier, grade, "scorecard", actor, ip)


def _held(
    supplier_id: int, graded: str | None, found: ScoreRules, reasons: list[dict[str, Any]]
) -> str | None:
    """The grade while a demotion stands; it ends here when it is old enough and all is well."""
    demoted_at = grading.marks().get(supplier_id, grading.Marks()).demoted_at
    if demoted_at is None:
        return graded
    held_s = (datetime.now(UTC) - demoted_at).total_seconds()
    recent = recently.recent_of(supplier_id, found.terms, since=demoted_at)
    if daily_may_lift(held_s, recent, found.terms.watch()):
        reasons.append({"code": grading.RECOVERED, "value": recent.rate_bp, "held_s": int(held_s)})
        close_alert(recently.DEMOTED_ALERT, f"supplier:{supplier_id}")
        return graded
    reasons.append({"code": "held", "value": int(held_s), "limit": HELD_S})
    return at_most(graded, BEST_WHEN_DEMOTED)


def _metrics(card: Card, measured: Measured) -> Mapping[str, Any]:
    shown: dict[str, dict[str, Any]] = {
        metric: {
            "value": round(float(line.value), 6), "points": line.points, "weight": line.weight,
        }
        for metric, line in card.lines.items()
    }  # fmt: skip
    if "on_time" in shown:
        shown["on_time"] |= {"p50_s": measured.p50_s, "p95_s": measured.p95_s}
    for metric, (part, whole) in BEHIND.items():
        if metric in shown:
            shown[metric] |= {
                "part": measured.counts.get(part, 0), "whole": measured.counts.get(whole, 0),
            }  # fmt: skip
    return shown


BEHIND: Mapping[str, tuple[str, str]] = {
    "success": ("good", "ended"), "on_time": ("in_time", "good"), "time_outs": ("silent", "sent"),
    "stock_accuracy": ("empty", "told"), "complaints": ("upheld", "good"),
}  # fmt: skip
