"""Bonuses on top-ups: the rules of a station, and what an amount would earn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, text

from kameng.db import db
from kameng.errors import DomainError, NotFound
from kameng.identity.api import audit
from kameng.payments.models import BonusGrant, BonusRule

KINDS = ("fixed", "percent")
MOST_RULES = 50
LARGEST = 50_000_0000  # no top-up is larger, so no bonus needs to be
MAIN_STATION = 1

# The same choice as _grant_bonus makes when the money arrives, for any number of amounts at once;
# a station that could not pay the bonus promises none.
EARNED_SQL = text("""
    SELECT a.amount, coalesce((
             SELECT least(CASE r.kind WHEN 'fixed' THEN r.value
                          ELSE div(a.amount::numeric * r.value, 10000)::bigint END, r.cap)
                    / 100 * 100 AS bonus
               FROM bonus_rule r
              WHERE r.station_id = :station AND r.active AND a.amount >= r.minimum
                AND (r.starts_at IS NULL OR r.starts_at <= now())
                AND (r.ends_at IS NULL OR r.ends_at > now())
                AND (NOT r.first_only OR NOT EXISTS (
                      SELECT 1 FROM payment_attempt p WHERE p.station_id = :station
                         AND p.member_id = CAST(:member AS bigint)
                         AND p.purpose = 'top_up' AND p.state = 'succeeded'))
              ORDER BY 1 DESC, r.id LIMIT 1), 0)::bigint AS bonus
      FROM unnest(CAST(:amounts AS bigint[])) AS a(amount)
""")
FUNDS_SQL = text("""
    SELECT coalesce(sum(b.balance), 0)::bigint FROM account a
      JOIN account_balance b ON b.account_id = a.id
     WHERE a.station_id = :station AND a.kind = 'prepaid'
""")


class BonusInvalid(DomainError):
    """A rule that makes no sense; `facts["field"]` says where."""

    default_status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class BonusTerms:
    """What a rule says: from `minimum` on, `value` (scale 4 if fixed, basis points if percent)."""

    minimum: int
    kind: str
    value: int
    cap: int | None = None
    first_only: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    active: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BonusView(BonusTerms):
    """A rule with what it has given so far (scale 4) and to how many top-ups."""

    id: int
    granted: int = 0
    times: int = 0
    missed: int = 0  # top-ups that got nothing because the station had no money for it

    @property
    def live(self) -> bool:
        """Whether it counts at this moment."""
        now = datetime.now(UTC)
        begun = self.starts_at is None or self.starts_at <= now
        return self.active and begun and not self.over

    @property
    def over(self) -> bool:
        """Whether its time has passed."""
        return self.ends_at is not None and self.ends_at <= datetime.now(UTC)


def list_bonuses(station_id: int) -> list[BonusView]:
    """Rules of a station, the smallest amount first, with what each has given."""
    rows = db.session.scalars(
        select(BonusRule)
        .where(BonusRule.station_id == station_id)
        .order_by(BonusRule.minimum, BonusRule.id)
    )
    given = _given(station_id)
    return [_view(row, given.get(row.id)) for row in rows]


def get_bonus(station_id: int, rule_id: int) -> BonusView:
    """One rule of a station; raises `NotFound`."""
    return _view(_row(station_id, rule_id), _given(station_id).get(rule_id))


def save_bonus(
    station_id: int, rule_id: int | None, terms: BonusTerms, actor: str, ip: str = ""
) -> int:
    """Make a rule or change one; returns its number. Raises `BonusInvalid` or `NotFound`."""
    _check(terms)
    if rule_id is None:
        _require_room(station_id)
        row = BonusRule(station_id=station_id, created_by=actor)
        db.session.add(row)
    else:
        row = _row(station_id, rule_id)
    for name in BonusTerms.__dataclass_fields__:
        setattr(row, name, getattr(terms, name))
    row.note = " ".join(terms.note.split())[:100]
    db.session.flush()
    number = row.id
    detail = {"minimum": terms.minimum, "kind": terms.kind, "value": terms.value}
    audit(actor, "bonus.save", f"bonus:{number}", detail, ip, station_id=station_id)
    db.session.commit()
    return number


def switch_bonus(station_id: int, rule_id: int, active: bool, actor: str, ip: str = "") -> None:
    """Turn a rule on or off; raises `NotFound`."""
    row = _row(station_id, rule_id)
    row.active = active
    audit(actor, "bonus.switch", f"bonus:{rule_id}", {"active": active}, ip, station_id=station_id)
    db.session.commit()


def delete_bonus(station_id: int, rule_id: int, actor: str, ip: str = "") -> None:
    """Remove a rule; what it gave stays. Raises `NotFound`."""
    db.session.delete(_row(station_id, rule_id))
    audit(actor, "bonus.delete", f"bonus:{rule_id}", {}, ip, station_id=station_id)
    db.session.commit()


def bonus_for(station_id: int, amount: int, member_id: int | None) -> int:
    """What a top-up of `amount` would earn this member now (scale 4); 0 for nothing."""
    return bonuses_for(station_id, [amount], member_id)[amount]


def bonuses_for(
    station_id: int, amounts: Sequence[int], member_id: int | None
) -> Mapping[int, int]:
    """Amount → bonus, for the tiles of a page."""
    params = {"station": station_id, "amounts": list(amounts), "member": member_id}
    found = {row.amount: row.bonus for row in db.session.execute(EARNED_SQL, params)}
    if station_id == MAIN_STATION or not any(found.values()):
        return found
    left = int(db.session.scalar(FUNDS_SQL, {"station": station_id}) or 0)
    return {amount: bonus if bonus <= left else 0 for amount, bonus in found.items()}


def granted_bonus(attempt_id: int) -> int:
    """What a top-up of the scope's station was given beside itself (scale 4)."""
    query = select(BonusGrant.amount).where(
        BonusGrant.attempt_id == attempt_id, BonusGrant.state == "granted"
    )
    return int(db.session.scalar(query) or 0)


def _check(terms: BonusTerms) -> None:
    if not 1_0000 <= terms.minimum <= LARGEST or terms.minimum % 100:
        raise BonusInvalid("minimum", _l("起充金额要在 1 元到 50000 元之间"), field="minimum")
    if terms.kind not in KINDS:
        raise BonusInvalid("kind", _l("请选一种送法"), field="kind")
    if terms.kind == "fixed" and (not 100 <= terms.value <= LARGEST or terms.value % 100):
        raise BonusInvalid("value", _l("赠送金额要在 0.01 元到 50000 元之间"), field="value")
    if terms.kind == "percent" and not 1 <= terms.value <= 10_000:
        raise BonusInvalid("value", _l("赠送比例要在 0.01% 到 100% 之间"), field="value")
    if terms.kind == "fixed" and terms.value > terms.minimum:
        raise BonusInvalid("value", _l("送的不能比充的多"), field="value")
    if terms.cap is not None and (not 100 <= terms.cap <= LARGEST or terms.cap % 100):
        raise BonusInvalid("cap", _l("最多送的金额要在 0.01 元到 50000 元之间"), field="cap")
    if terms.starts_at and terms.ends_at and terms.ends_at <= terms.starts_at:
        raise BonusInvalid("ends_at", _l("结束时间要晚于开始时间"), field="ends_at")


def _require_room(station_id: int) -> None:
    query = select(func.count()).select_from(BonusRule)
    if (db.session.scalar(query.where(BonusRule.station_id == station_id)) or 0) >= MOST_RULES:
        raise BonusInvalid("too_many", _l("规则太多了，先删掉不用的"), field="minimum")


def _row(station_id: int, rule_id: int) -> BonusRule:
    row = db.session.get(BonusRule, (station_id, rule_id))
    if row is None:
        raise NotFound("bonus_unknown", _l("没有这条赠送规则"))
    return row


def _given(station_id: int) -> dict[int, Any]:
    paid = BonusGrant.state == "granted"
    query = (
        select(
            BonusGrant.rule_id,
            func.coalesce(func.sum(BonusGrant.amount).filter(paid), 0).label("granted"),
            func.count().filter(paid).label("times"),
            func.count().filter(~paid).label("missed"),
        )
        .where(BonusGrant.station_id == station_id)
        .group_by(BonusGrant.rule_id)
    )
    return {row.rule_id: row for row in db.session.execute(query)}


def _view(row: BonusRule, given: Any) -> BonusView:
    terms = {name: getattr(row, name) for name in BonusTerms.__dataclass_fields__}
    sums = {"granted": int(given.granted), "times": given.times, "missed": given.missed} if given \
        else {}  # fmt: skip
    return BonusView(id=row.id, **terms, **sums)
