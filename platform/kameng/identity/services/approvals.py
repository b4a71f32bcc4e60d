"""A second person's word: who waits for it, giving it, and what follows in the same transaction.

The rules (nobody twice, never the one who asked, how many) hold in `vote_approval`; what is
carried out asks `_require_approved` in its own guarded function. All of it in main scope.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, func, select

from kameng.db import db, run
from kameng.errors import Conflict, DomainError, Forbidden, NotFound
from kameng.identity.models import Approval, ApprovalVote
from kameng.identity.services.audit import audit

Effect = Callable[[int, str, bool], None]
_effects: dict[str, Effect] = {}

WHY_NOT = {
    "asked": _l("申请人不能批准自己的申请。"),
    "voted": _l("同一个人不能批准两次。"),
    "over": _l("这个申请已经有结果或已过期。"),
}


@dataclass(frozen=True, slots=True)
class VoteView:
    """One person's word."""

    actor: str
    agrees: bool
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """A request and the words on it; `amount` at scale 4, None when it is not about money."""

    station_id: int
    id: int
    kind: str
    subject: str
    title: str
    detail: dict[str, Any]
    amount: int | None
    needed: int
    requested_by: str
    reason: str
    state: str
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    votes: Sequence[VoteView]

    @property
    def agreed(self) -> int:
        """How many have agreed so far."""
        return sum(vote.agrees for vote in self.votes)


def on_decision(kind: str, effect: Effect) -> None:
    """Say what follows on a decision: `effect(station_id, subject, approved)`.

    It runs in the transaction of the last vote (main scope) and does not commit; what it raises
    undoes the vote too. A request that expires counts as refused.
    """
    _effects[kind] = effect


def approvals(
    *,
    state: str = "waiting",
    kind: str = "",
    station_id: int | None = None,
    subject: str = "",
    limit: int = 200,
) -> list[ApprovalView]:
    """Requests, those that wait longest first (decided ones: newest first). `state` "": all."""
    chosen: list[tuple[bool, ColumnElement[bool]]] = [
        (bool(state), Approval.state == state), (bool(kind), Approval.kind == kind),
        (station_id is not None, Approval.station_id == station_id),
        (bool(subject), Approval.subject == subject),
    ]  # fmt: skip
    query = select(Approval).where(*(condition for wanted, condition in chosen if wanted))
    newest = Approval.created_at if state == "waiting" else Approval.created_at.desc()
    rows = db.session.scalars(query.order_by(newest, Approval.id).limit(limit)).all()
    votes = _votes([row.id for row in rows])
    return [_view(row, votes.get((row.station_id, row.id), [])) for row in rows]


def approval(station_id: int, approval_id: int) -> ApprovalView:
    """One request; raises `NotFound`."""
    row = db.session.get(Approval, (station_id, approval_id))
    if row is None:
        raise NotFound("approval_unknown", _l("没有这个申请。"))
    return _view(row, _votes([row.id]).get((station_id, row.id), []))


def waiting_counts() -> dict[str, int]:
    """How many requests wait, by kind."""
    query = select(Approval.kind, func.count()).where(Approval.state == "waiting")
    return {kind: int(n) for kind, n in db.session.execute(query.group_by(Approval.kind))}


def vote(
    station_id: int, approval_id: int, actor: str, agrees: bool, reason: str = "", ip: str = ""
) -> str:
    """Give one's word; returns `ok` (more people are needed), `approved` or `refused`.

    What follows happens in the same transaction. Raises `Forbidden` for who has asked or voted,
    `Conflict` when it is over, `NotFound`, and whatever the effect refuses (then nothing counts).
    """
    reason = " ".join(reason.split())[:200]
    if not agrees and len(reason) < 2:
        raise DomainError("reason_missing", _l("请写明拒绝的原因，申请人会看到。"))
    row = run(
        "vote_approval", p_station=station_id, p_id=approval_id, p_actor=actor, p_agrees=agrees,
        p_reason=reason,
    )[0]  # fmt: skip
    code = str(row["code"])
    if code not in ("ok", "approved", "refused"):
        db.session.rollback()
        raise _refusal(code, station_id, approval_id, actor)
    if code != "ok":
        _carry_out(station_id, row["kind"], row["subject"], code == "approved")
    action = "approval.agree" if agrees else "approval.refuse"
    detail = {"kind": row["kind"], "subject": row["subject"], "result": code, "reason": reason}
    audit(actor, action, f"approval:{station_id}:{approval_id}", detail, ip)
    db.session.commit()
    return code


def expire() -> int:
    """End requests that nobody has answered in time; returns how many. Commits."""
    rows = run("expire_approvals")
    for row in rows:
        _carry_out(row["station_id"], row["kind"], row["subject"], False)
    db.session.commit()
    return len(rows)


def _carry_out(station_id: int, kind: str, subject: str, approved: bool) -> None:
    effect = _effects.get(kind)
    if effect is None:
        db.session.rollback()
        raise Conflict("approval_kind", _l("没有人处理这类申请：%(kind)s", kind=kind))
    try:
        effect(station_id, subject, approved)
    except DomainError:
        db.session.rollback()
        raise


def _refusal(code: str, station_id: int, approval_id: int, actor: str) -> DomainError:
    if code == "not_found":
        return NotFound("approval_unknown", _l("没有这个申请。"))
    if code == "same_person":
        asked = approval(station_id, approval_id).requested_by == actor
        return Forbidden("same_person", WHY_NOT["asked" if asked else "voted"])
    return Conflict("over", WHY_NOT["over"])


def _votes(ids: Sequence[int]) -> dict[tuple[int, int], list[VoteView]]:
    if not ids:
        return {}
    rows = db.session.scalars(
        select(ApprovalVote).where(ApprovalVote.approval_id.in_(ids)).order_by(ApprovalVote.at)
    )
    found: dict[tuple[int, int], list[VoteView]] = {}
    for row in rows:
        seen = VoteView(row.actor, row.agrees, row.reason, row.at)
        found.setdefault((row.station_id, row.approval_id), []).append(seen)
    return found


def _view(row: Approval, votes: Sequence[VoteView]) -> ApprovalView:
    return ApprovalView(
        station_id=row.station_id, id=row.id, kind=row.kind, subject=row.subject, title=row.title,
        detail=row.detail, amount=row.amount, needed=row.needed, requested_by=row.requested_by,
        reason=row.reason, state=row.state, created_at=row.created_at, expires_at=row.expires_at,
        decided_at=row.decided_at, votes=votes,
    )  # fmt: skip
