"""How scorecards are reckoned: weights, limits and the recent watch, as staff set them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db
from kameng.errors import DomainError
from kameng.identity.api import audit
from kameng.suppliers.domain.recent import WatchLimits
from kameng.suppliers.domain.scoring import METRICS, GradeLimits, Rule, rules_problem

_RULES = text("SELECT metric, weight, full_at, zero_at FROM score_rule")
_TERMS = text("SELECT * FROM score_terms")
_LOCK = text("SELECT 1 FROM score_terms FOR UPDATE")
_SAVE_RULE = text("""
UPDATE score_rule SET weight = :weight, full_at = :full_at, zero_at = :zero_at
WHERE metric = :metric
""")
_SAVE_TERMS = text("""
UPDATE score_terms SET a_from = :a_from, b_from = :b_from, c_from = :c_from,
  window_days = :window_days, least_purchases = :least_purchases,
  recent_minutes = :recent_minutes, recent_purchases = :recent_purchases,
  demote_below_bp = :demote_below_bp, pause_below_bp = :pause_below_bp,
  on_time_s = :on_time_s, updated_at = now(), updated_by = :actor
""")
BOUNDS: Mapping[str, tuple[int, int]] = {
    "a_from": (3, 1000), "b_from": (2, 999), "c_from": (1, 998), "window_days": (1, 365),
    "least_purchases": (1, 100_000), "recent_minutes": (1, 1440), "recent_purchases": (3, 1000),
    "demote_below_bp": (0, 10_000), "pause_below_bp": (0, 10_000), "on_time_s": (1, 604_800),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTerms:
    """Points, days, minutes, pieces; rates in basis points; `on_time_s` in seconds."""

    a_from: int
    b_from: int
    c_from: int
    window_days: int
    least_purchases: int
    recent_minutes: int
    recent_purchases: int
    demote_below_bp: int
    pause_below_bp: int
    on_time_s: int

    def grades(self) -> GradeLimits:
        """The limits of the grades."""
        return GradeLimits(
            a_from=self.a_from, b_from=self.b_from, c_from=self.c_from,
            least_purchases=self.least_purchases,
        )  # fmt: skip

    def watch(self) -> WatchLimits:
        """The limits of the recent watch."""
        return WatchLimits(
            purchases=self.recent_purchases, demote_below_bp=self.demote_below_bp,
            pause_below_bp=self.pause_below_bp,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRules:
    """All that a scorecard is reckoned by, and who said so."""

    rules: tuple[Rule, ...]
    terms: ScoreTerms
    updated_at: datetime | None = None
    updated_by: str = ""


NAMES = tuple(field.name for field in fields(ScoreTerms))


def score_rules() -> ScoreRules:
    """What counts now. Main scope."""
    rules = [
        Rule(
            metric=row.metric, weight=row.weight, full_at=Fraction(row.full_at),
            zero_at=Fraction(row.zero_at),
        )
        for row in db.session.execute(_RULES)
    ]  # fmt: skip
    row = db.session.execute(_TERMS).mappings().one()
    return ScoreRules(
        rules=tuple(sorted(rules, key=lambda rule: METRICS.index(rule.metric))),
        terms=ScoreTerms(**{name: row[name] for name in NAMES}),
        updated_at=row["updated_at"], updated_by=row["updated_by"],
    )  # fmt: skip


def check_score_rules(rules: Sequence[Rule], terms: ScoreTerms) -> None:
    """Raises `DomainError("score_rules_invalid")`; `facts["field"]` names what is wrong."""
    problem = rules_problem(rules)
    if problem is not None:
        raise _invalid(f"{problem[0]}.weight" if problem[1] != "no_span" else f"{problem[0]}.full")
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(terms, name) <= most:
            raise _invalid(name)
    if not terms.a_from > terms.b_from > terms.c_from:
        raise _invalid("a_from")
    if terms.pause_below_bp > terms.demote_below_bp:
        raise _invalid("pause_below_bp")


def save_score_rules(rules: Sequence[Rule], terms: ScoreTerms, actor: str, ip: str = "") -> None:
    """Set weights and limits; they count from the next card on. Main scope; commits."""
    check_score_rules(rules, terms)
    db.session.execute(_LOCK)
    before = _plain(score_rules())
    for rule in rules:
        given = {
            "metric": rule.metric, "weight": rule.weight, "full_at": _decimal(rule.full_at),
            "zero_at": _decimal(rule.zero_at),
        }  # fmt: skip
        db.session.execute(_SAVE_RULE, given)
    db.session.execute(_SAVE_TERMS, {**asdict(terms), "actor": actor})
    after = _plain(score_rules())
    new = {name: value for name, value in after.items() if value != before[name]}
    detail = {"old": {name: before[name] for name in new}, "new": new}
    audit(actor, "score.rules", "score_terms", detail, ip)
    db.session.commit()


def _invalid(name: str) -> DomainError:
    return DomainError("score_rules_invalid", PROBLEMS.get(name, _l("这个数超出范围")), field=name)


PROBLEMS: Mapping[str, Any] = {
    "a_from": _l("A 级的起点要高于 B 级，B 级要高于 C 级"),
    "pause_below_bp": _l("暂停线不能高于降级线"),
    **{f"{metric}.full": _l("满分值与零分值不能相同") for metric in METRICS},
    **{f"{metric}.weight": _l("权重要在 0 到 1000 之间，且不能全为 0") for metric in METRICS},
}


def _plain(found: ScoreRules) -> dict[str, Any]:
    rules = {
        rule.metric: f"{rule.weight}: {float(rule.zero_at):g}–{float(rule.full_at):g}"
        for rule in found.rules
    }
    return {**rules, **asdict(found.terms)}


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
