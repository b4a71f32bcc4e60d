"""The recent watch: every quarter of a minute, who fails now is put behind or stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, text

from kameng.db import db
from kameng.identity.api import audit
from kameng.stock.api import close_alert, raise_alert
from kameng.suppliers.domain.recent import (
    BEST_WHEN_DEMOTED,
    Recent,
    has_recovered,
    recent_rate,
    verdict,
)
from kameng.suppliers.domain.scoring import at_most, grade_of
from kameng.suppliers.services import grading
from kameng.suppliers.services.measuring import OUR_FAULT
from kameng.suppliers.services.score_rules import ScoreTerms, score_rules

SYSTEM = "system"
UNKNOWN_IS_BAD_AFTER_S = 300
DEMOTED_ALERT, PAUSED_ALERT = "supplier_demoted", "supplier_paused"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

# What was never sent, and what failed by our own doing, says nothing about the supplier.
_RECENT = text("""
SELECT c.supplier_id, q.at, q.good FROM supply_connection c
JOIN supplier s ON s.id = c.supplier_id AND s.state = 'active' AND NOT s.internal
CROSS JOIN LATERAL (
  (SELECT p.done_at AS at, p.state = 'succeeded' AS good FROM purchase p
   WHERE p.connection_id = c.id AND p.done_at > now() - make_interval(mins => :minutes)
     AND p.state IN ('succeeded', 'declined') AND p.sends > 0 AND p.code <> ALL(:ours)
   ORDER BY p.done_at DESC LIMIT :most)
  UNION ALL
  (SELECT p.sent_at + make_interval(secs => :patience), false FROM purchase p
   WHERE p.connection_id = c.id AND p.done_at IS NULL AND p.state = 'unknown'
     AND p.sent_at < now() - make_interval(secs => :patience)
     AND p.sent_at > now() - make_interval(mins => :minutes, secs => :patience)
   ORDER BY p.sent_at DESC LIMIT :most)) q
WHERE CAST(:only AS bigint) IS NULL OR c.supplier_id = :only
ORDER BY q.at DESC
""")
_ACTIVE = text("SELECT id FROM supplier WHERE state = 'active' AND NOT internal ORDER BY id")
_RESUMED = text("""
SELECT s.id FROM supplier s JOIN alert a ON a.subject = 'supplier:' || s.id
WHERE a.kind = :kind AND a.state = 'open' AND s.state <> 'paused'
""")
_STATE = text("""
UPDATE supplier SET state = :state, pause_reason = :pause_reason WHERE id = :id
""")


def watch_recent() -> int:
    """Demote, pause or restore by the last purchases; returns how many. Main scope; commits."""
    _close_over()
    terms = score_rules().terms
    ended = _ended(terms)
    acted = 0
    known = grading.marks()
    for (supplier_id,) in db.session.execute(_ACTIVE).all():
        marks = known.get(supplier_id, grading.Marks())
        results = ended.get(supplier_id, [])
        acted += _judge(supplier_id, results, marks, terms)
        db.session.commit()
    return acted


def recent_of(supplier_id: int, terms: ScoreTerms, since: datetime = LONG_AGO) -> Recent:
    """The recent rate of one supplier, of what ended after `since`. Main scope."""
    results = _ended(terms, supplier_id).get(supplier_id, [])
    return _rate(results, terms, since)


def _close_over() -> None:
    """Whoever let a supplier trade again, its alert is over and the others are told."""
    for (supplier_id,) in db.session.execute(_RESUMED, {"kind": PAUSED_ALERT}).all():
        close_alert(PAUSED_ALERT, f"supplier:{supplier_id}")
        grading.tell(supplier_id)
    db.session.commit()


def _ended(terms: ScoreTerms, only: int | None = None) -> dict[int, list[tuple[datetime, bool]]]:
    """(when, whether good) of what ended lately, newest first, by supplier."""
    given = {
        "minutes": terms.recent_minutes, "most": terms.recent_purchases, "only": only,
        "patience": UNKNOWN_IS_BAD_AFTER_S, "ours": list(OUR_FAULT),
    }  # fmt: skip
    found: dict[int, list[tuple[datetime, bool]]] = {}
    for row in db.session.execute(_RECENT, given):
        found.setdefault(row.supplier_id, []).append((row.at, row.good))
    return found


def _rate(results: list[tuple[datetime, bool]], terms: ScoreTerms, since: datetime) -> Recent:
    fresh = [good for at, good in results if at > since]
    return recent_rate(fresh, terms.recent_purchases)


def _judge(
    supplier_id: int,
    results: list[tuple[datetime, bool]],
    marks: grading.Marks,
    terms: ScoreTerms,
) -> bool:
    recent = _rate(results, terms, marks.paused_at or LONG_AGO)
    follows = verdict(recent, terms.watch())
    if follows == "pause":
        return _pause(supplier_id, recent, terms)
    if marks.demoted_at is not None:
        since = _rate(results, terms, marks.demoted_at)
        return has_recovered(since, terms.watch()) and _restore(supplier_id, since, terms)
    return follows == "demote" and _demote(supplier_id, recent, terms)


def _pause(supplier_id: int, recent: Recent, terms: ScoreTerms) -> bool:
    supplier = _trading(supplier_id)
    if supplier is None:
        return False
    facts = {"value": recent.rate_bp, "limit": terms.pause_below_bp, "purchases": recent.count}
    why = "recent_success " + " ".join(f"{name}={value}" for name, value in facts.items())
    db.session.execute(_STATE, {"id": supplier_id, "state": "paused", "pause_reason": why})
    _keep(supplier, supplier.grade, {"code": grading.PAUSED, **facts})
    title = _("供应商 %(name)s 近期成功率过低，已暂停采购", name=supplier.name)
    raise_alert(
        PAUSED_ALERT, f"supplier:{supplier_id}", title, {"supplier_id": supplier_id, **facts}
    )
    audit(SYSTEM, "supplier.pause", f"supplier:{supplier_id}", facts)
    grading.tell(supplier_id)
    return True


def _demote(supplier_id: int, recent: Recent, terms: ScoreTerms) -> bool:
    supplier = _trading(supplier_id)
    if supplier is None:
        return False
    grade = supplier.grade
    if not supplier.grade_fixed:
        grade = at_most(grade, BEST_WHEN_DEMOTED)
    facts = {"value": recent.rate_bp, "limit": terms.demote_below_bp, "purchases": recent.count}
    _keep(supplier, grade, {"code": grading.DEMOTED, "from": supplier.grade, "to": grade, **facts})
    title = _("供应商 %(name)s 近期成功率下降，已排到后面", name=supplier.name)
    raise_alert(
        DEMOTED_ALERT, f"supplier:{supplier_id}", title, {"supplier_id": supplier_id, **facts}
    )
    grading.set_grade(supplier, grade, "recent_success", SYSTEM)
    return True


def _restore(supplier_id: int, recent: Recent, terms: ScoreTerms) -> bool:
    """The grade that the last card earned comes back."""
    supplier = _trading(supplier_id)
    if supplier is None:
        return False
    score, metrics = grading.last_card(supplier_id)
    ended = int(metrics.get("success", {}).get("whole", 0))
    grade = supplier.grade if supplier.grade_fixed else grade_of(score, ended, terms.grades())
    facts = {"value": recent.rate_bp, "purchases": recent.count}
    _keep(supplier, grade, {"code": grading.RECOVERED, **facts})
    close_alert(DEMOTED_ALERT, f"supplier:{supplier_id}")
    grading.set_grade(supplier, grade, "recovered", SYSTEM)
    return True


def _trading(supplier_id: int) -> Row[Any] | None:
    """The locked row, unless a person was quicker."""
    supplier = grading.locked(supplier_id)
    return supplier if supplier is not None and supplier.state == "active" else None


def _keep(supplier: Row[Any], grade: str | None, reason: dict[str, Any]) -> None:
    score, metrics = grading.last_card(supplier.id)
    grading.keep_card(
        supplier.id, purchases=int(reason.get("purchases", 0)), score=score, grade=grade,
        metrics=metrics, reasons=[reason],
    )  # fmt: skip
