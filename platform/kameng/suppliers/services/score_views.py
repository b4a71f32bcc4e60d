"""Grades and cards as pages show them. Main scope; reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db
from kameng.errors import NotFound

HISTORY = 180  # lines of the grade's course; half a year of daily cards

_LIST = text("""
SELECT s.id, s.code, s.name, s.state, s.pause_reason, s.grade, s.grade_fixed, s.internal,
       x.at, x.score, x.purchases, x.metrics, x.reasons
FROM supplier s LEFT JOIN LATERAL (
  SELECT * FROM supplier_score y WHERE y.supplier_id = s.id ORDER BY y.at DESC, y.id DESC LIMIT 1
) x ON true
WHERE s.state IN ('active', 'paused') AND NOT s.internal
  AND (CAST(:only AS bigint) IS NULL OR s.id = :only)
ORDER BY s.state DESC, coalesce(s.grade, 'B'), x.score DESC NULLS LAST, s.name
""")
_HISTORY = text("""
SELECT at, score, grade, purchases, metrics, reasons FROM supplier_score
WHERE supplier_id = :id ORDER BY at DESC, id DESC LIMIT :most
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLine:
    """A supplier with its grade and its newest card; `at` None: it has no card yet."""

    id: int
    code: str
    name: str
    state: str
    pause_reason: str
    grade: str | None
    grade_fixed: bool
    at: datetime | None
    score: int | None
    purchases: int
    metrics: Mapping[str, Mapping[str, Any]]
    reasons: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePoint:
    """One card of the past."""

    at: datetime
    score: int | None
    grade: str | None
    purchases: int
    metrics: Mapping[str, Mapping[str, Any]]
    reasons: Sequence[Mapping[str, Any]]


def score_list() -> list[ScoreLine]:
    """Every supplier that trades: paused ones first, then by grade."""
    return [_line(row) for row in db.session.execute(_LIST, {"only": None})]


def score_line(supplier_id: int) -> ScoreLine:
    """One supplier with its newest card. Raises `NotFound`."""
    row = db.session.execute(_LIST, {"only": supplier_id}).first()
    if row is None:
        raise NotFound("supplier_not_scored")
    return _line(row)


def score_history(supplier_id: int) -> list[ScorePoint]:
    """Cards of a supplier, newest first."""
    rows = db.session.execute(_HISTORY, {"id": supplier_id, "most": HISTORY})
    return [ScorePoint(**row._mapping) for row in rows]


def _line(row: Row[Any]) -> ScoreLine:
    values = {name: value for name, value in row._mapping.items() if name != "internal"}
    values["purchases"] = values["purchases"] or 0
    values["metrics"] = values["metrics"] or {}
    values["reasons"] = values["reasons"] or []
    return ScoreLine(**values)
