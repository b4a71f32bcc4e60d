"""Writing a grade: the supplier's row, its history, the audit trail and word to the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db
from kameng.identity.api import audit
from kameng.jobs import publish

MAIN_STATION = 1
TOPIC = "supplier.changed"  # grade or state: what can be had upstream, and where, may be other now
DEMOTED, RECOVERED, PAUSED = "recent_success", "recovered", "paused"

_LOCK = text("""
SELECT id, name, state, grade, grade_fixed, internal FROM supplier WHERE id = :id FOR UPDATE
""")
_GRADE = text("UPDATE supplier SET grade = :grade WHERE id = :id")
_KEEP = text("""
INSERT INTO supplier_score(supplier_id, purchases, score, grade, metrics, reasons)
VALUES (:id, :purchases, :score, :grade, CAST(:metrics AS jsonb), CAST(:reasons AS jsonb))
""")
_LAST = text("""
SELECT score, metrics FROM supplier_score WHERE supplier_id = :id AND metrics <> '{}'
ORDER BY at DESC, id DESC LIMIT 1
""")
# What the watch has done: a demotion holds until a later recovery; after a pause it starts anew.
_MARKS = text("""
SELECT x.supplier_id, r.value ->> 'code' AS code, max(x.at) AS at
FROM supplier_score x CROSS JOIN LATERAL jsonb_array_elements(x.reasons) r(value)
WHERE x.at > now() - interval '40 days' AND r.value ->> 'code' = ANY(:codes)
GROUP BY 1, 2
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """When the watch last acted on a supplier; None: not within memory."""

    demoted_at: datetime | None = None
    paused_at: datetime | None = None  # what failed before is dealt with


def locked(supplier_id: int) -> Row[Any] | None:
    """The supplier's row, held until the commit."""
    return db.session.execute(_LOCK, {"id": supplier_id}).first()


def last_card(supplier_id: int) -> tuple[int | None, dict[str, Any]]:
    """Score and metrics of the last card that has any."""
    row = db.session.execute(_LAST, {"id": supplier_id}).first()
    return (None, {}) if row is None else (row.score, row.metrics)


def marks() -> dict[int, Marks]:
    """What the watch has done, by supplier."""
    found: dict[int, dict[str, datetime]] = {}
    codes = [DEMOTED, RECOVERED, PAUSED]
    for row in db.session.execute(_MARKS, {"codes": codes}):
        found.setdefault(row.supplier_id, {})[row.code] = row.at
    return {number: _marks(times) for number, times in found.items()}


def _marks(times: Mapping[str, datetime]) -> Marks:
    demoted, recovered = times.get(DEMOTED), times.get(RECOVERED)
    over = demoted is not None and recovered is not None and recovered >= demoted
    return Marks(demoted_at=None if over else demoted, paused_at=times.get(PAUSED))


def keep_card(
    supplier_id: int,
    *,
    purchases: int,
    score: int | None,
    grade: str | None,
    metrics: Mapping[str, Any],
    reasons: Sequence[Mapping[str, Any]],
) -> None:
    """One line of the grade's history, in the open transaction."""
    given = {
        "id": supplier_id, "purchases": purchases, "score": score, "grade": grade,
        "metrics": json.dumps(dict(metrics)), "reasons": json.dumps(list(reasons)),
    }  # fmt: skip
    db.session.execute(_KEEP, given)


def set_grade(supplier: Row[Any], grade: str | None, reason: str, actor: str, ip: str = "") -> bool:
    """Change the grade unless staff have fixed it; whether it changed. No commit."""
    if supplier.grade_fixed or supplier.grade == grade:
        return False
    db.session.execute(_GRADE, {"id": supplier.id, "grade": grade})
    detail = {"old": supplier.grade or "", "new": grade or "", "reason": reason}
    audit(actor, "supplier.grade", f"supplier:{supplier.id}", detail, ip)
    tell(supplier.id)
    return True


def tell(supplier_id: int) -> None:
    """Word to whoever keeps something that depends on grades and states; with the commit."""
    publish(TOPIC, MAIN_STATION, {"supplier_id": supplier_id})
