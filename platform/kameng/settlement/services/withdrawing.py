"""Withdrawals: asked for by a station, agreed to by other people, ended by being paid or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from kameng.db import current_scope, db, run
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import approvals, audit, on_decision
from kameng.settlement.domain import clean_payee
from kameng.settlement.models import Withdrawal

PAGE = 30
PAYEE_WRONG = {
    "payee_kind": _l("请选择收款方式"),
    "account": _l("请填写正确的收款账号"),
    "name": _l("请填写收款人真实姓名或公司名称"),
    "bank": _l("请填写开户行"),
}
OUTCOMES = {
    "conflict": _l("这张表单已经提交过，内容不一样。请重新打开页面再填。"),
    "bad_state": _l("这笔提现的状态已经变化，请刷新后再看。"),
    "not_approved": _l("这笔提现还没有批准。"),
    "ref_missing": _l("请填写付款流水号。"),
}


class WithdrawalRefused(DomainError):
    """Nothing was asked for; the message says why, `facts["field"]` names the field."""

    default_status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalView:
    """A withdrawal as its station sees it; amounts at scale 4. `net` is what arrives."""

    station_id: int
    id: int
    withdrawal_no: str
    amount: int
    fee: int
    payee_kind: str
    payee: dict[str, str]
    state: str
    approved: bool
    reason: str
    provider_ref: str
    created_at: datetime
    done_at: datetime | None

    @property
    def net(self) -> int:
        """What arrives at the payee."""
        return self.amount - self.fee

    @property
    def step(self) -> str:
        """waiting, approved, paying, unknown, succeeded or declined: one word for a badge."""
        if self.state == "created":
            return "approved" if self.approved else "waiting"
        return {"sent": "paying"}.get(self.state, self.state)


def request_withdrawal(
    station_id: int, amount: int, payee_kind: str, payee: Mapping[str, str], actor: str, key: str,
    ip: str = "",
) -> int:  # fmt: skip
    """Ask for `amount` (scale 4, whole fen); the money is frozen at once. Returns its number.

    The same `key` again is the same request. Raises `WithdrawalRefused` with the code of
    `request_withdrawal` (below_minimum, above_available, above_daily_limit, deposit_short …).
    """
    clean, wrong = clean_payee(payee_kind, payee)
    if wrong:
        field = next(iter(wrong))
        raise WithdrawalRefused("payee_invalid", PAYEE_WRONG[field], field=field)
    row = run(
        "request_withdrawal", p_station=station_id, p_amount=amount, p_payee_kind=payee_kind,
        p_payee=psycopg.types.json.Jsonb(clean), p_actor=actor, p_key=key,
    )[0]  # fmt: skip
    if row["code"] not in ("ok", "repeat"):
        db.session.rollback()
        raise _refusal(str(row["code"]), int(row["fact"] or 0))
    number = int(row["id"])
    if row["code"] == "ok":
        detail = {"amount": amount, "payee_kind": payee_kind}
        audit(
            actor, "withdrawal.request", f"withdrawal:{number}", detail, ip, station_id=station_id
        )
    db.session.commit()
    return number


def _refusal(code: str, fact: int) -> WithdrawalRefused:
    shown = f"{fact // 10_000:,}.{abs(fact) % 10_000 // 100:02d}"
    words: dict[str, Callable[[], Any]] = {
        "below_minimum": lambda: _("每笔至少提现 ¥%(amount)s。", amount=shown),
        "above_available": lambda: (
            _("可提现余额不足，现在最多 ¥%(amount)s。", amount=shown)
            if fact > 0
            else _("现在没有可提现的余额。")
        ),
        "above_daily_limit": lambda: _("超过每日提现限额，今天还可提 ¥%(amount)s。", amount=shown),
        "deposit_short": lambda: _("保证金还差 ¥%(amount)s，补足后才能提现。", amount=shown),
        "station_restricted": lambda: _("店铺当前状态不能提现，请联系主站。"),
        "amount_invalid": lambda: _("请填写提现金额，最多两位小数。"),
        "payee_invalid": lambda: _("收款信息有误，请核对。"),
        "conflict": lambda: str(OUTCOMES["conflict"]),
    }
    field = "account" if code == "payee_invalid" else "amount"
    return WithdrawalRefused(code, words[code](), field=field)


def already_asked(station_id: int, key: str) -> bool:
    """Whether a request with this key exists: the same form, sent a second time."""
    query = select(Withdrawal.id).where(
        Withdrawal.station_id == station_id, Withdrawal.request_key == key
    )
    return db.session.scalar(query) is not None


def cancel_withdrawal(station_id: int, withdrawal_id: int, actor: str, ip: str = "") -> None:
    """The station takes its request back, before anybody has agreed to the end."""
    _end("cancel_withdrawal", station_id, withdrawal_id, actor, ip, p_actor=actor)


def refuse_withdrawal(
    station_id: int, withdrawal_id: int, actor: str, reason: str, ip: str = ""
) -> None:
    """Call an agreed one off before anything is sent (main scope); the station reads `reason`."""
    _end(
        "refuse_withdrawal", station_id, withdrawal_id, actor, ip, p_actor=actor,
        p_message=_reason(reason),
    )  # fmt: skip


def pay_by_hand(
    station_id: int, withdrawal_id: int, actor: str, ref: str, proof_type: str = "",
    proof: bytes | None = None, ip: str = "",
) -> None:  # fmt: skip
    """A person has paid it under `ref`, with or without a picture of it (main scope)."""
    _end(
        "pay_withdrawal_by_hand", station_id, withdrawal_id, actor, ip, p_actor=actor,
        p_ref=ref.strip()[:100], p_proof_type=proof_type, p_proof=proof,
    )  # fmt: skip


def decide_unknown(
    station_id: int, withdrawal_id: int, paid: bool, ref: str, reason: str, actor: str, ip: str = ""
) -> None:
    """The other side does not say; a person has looked it up there (main scope)."""
    _end(
        "decide_payout", station_id, withdrawal_id, actor, ip, p_paid=paid,
        p_ref=ref.strip()[:100], p_message="" if paid else _reason(reason), p_actor=actor,
    )  # fmt: skip


def settle_withdrawal(station_id: int, subject: str, approved: bool) -> None:
    """What follows on the words of other people, in their transaction; no commit."""
    number = int(subject)
    if approved:
        run("approve_withdrawal", p_station=station_id, p_id=number)
        return
    asked = approvals(state="", kind="withdrawal", station_id=station_id, subject=subject)
    said = [vote for request in asked for vote in request.votes if not vote.agrees]
    who, why = (said[0].actor, said[0].reason) if said else ("system", "expired")
    run(
        "refuse_withdrawal", p_station=station_id, p_id=number, p_actor=who, p_message=why
    )  # fmt: skip


on_decision("withdrawal", settle_withdrawal)


def withdrawal(station_id: int, withdrawal_id: int) -> WithdrawalView:
    """One of a station's withdrawals; raises `NotFound`."""
    row = db.session.get(Withdrawal, (station_id, withdrawal_id))
    if row is None:
        raise NotFound("withdrawal_unknown", _l("没有这笔提现。"))
    return view(row)


def withdrawals(
    station_id: int | None = None, before: int | None = None, limit: int = PAGE
) -> Sequence[WithdrawalView]:
    """A station's withdrawals, newest first, by keyset; the scope's station when None."""
    wanted = current_scope().station_id if station_id is None else station_id
    query = select(Withdrawal).where(Withdrawal.station_id == wanted)
    if before is not None:
        query = query.where(Withdrawal.id < before)
    return [
        view(row) for row in db.session.scalars(query.order_by(Withdrawal.id.desc()).limit(limit))
    ]


def proof_of(station_id: int, withdrawal_id: int) -> tuple[str, bytes] | None:
    """(media type, picture) of a payment by hand, None without one (main scope)."""
    row = db.session.get(Withdrawal, (station_id, withdrawal_id))
    return (row.proof_type, row.proof) if row is not None and row.proof else None


def watch() -> int:
    """Alerts about what waits too long; returns how many were raised. Main scope."""
    raised = int(run("watch_withdrawals")[0]["raised"])
    db.session.commit()
    return raised


def view(row: Withdrawal) -> WithdrawalView:
    """A row as pages show it."""
    return WithdrawalView(
        station_id=row.station_id, id=row.id, withdrawal_no=row.withdrawal_no, amount=row.amount,
        fee=row.fee, payee_kind=row.payee_kind, payee=dict(row.payee), state=row.state,
        approved=row.approved_at is not None, reason=row.reason, provider_ref=row.provider_ref,
        created_at=row.created_at, done_at=row.done_at,
    )  # fmt: skip


def _reason(given: str) -> str:
    reason = " ".join(given.split())[:200]
    if len(reason) < 2:
        raise DomainError("reason_missing", _l("请写明原因，分站会看到。"))
    return reason


def _end(
    function: str, station_id: int, withdrawal_id: int, actor: str, ip: str, **params: Any
) -> None:
    """Call a guarded function that ends a withdrawal; audit and commit, or say why not."""
    try:
        code = run(function, p_station=station_id, p_id=withdrawal_id, **params)[0]["code"]
    except DBAPIError as error:
        db.session.rollback()
        if isinstance(error.orig, psycopg.Error) and error.orig.sqlstate == "KM403":
            raise Conflict("not_approved", OUTCOMES["not_approved"]) from error
        raise
    if code not in ("ok", "repeat"):
        db.session.rollback()
        if code == "not_found":
            raise NotFound("withdrawal_unknown", _l("没有这笔提现。"))
        raise Conflict(str(code), OUTCOMES[str(code)])
    if code == "ok":
        shown = {k[2:]: v for k, v in params.items() if k in ("p_ref", "p_message", "p_paid") and v}
        action = f"withdrawal.{function.partition('_')[0]}"
        audit(actor, action, f"withdrawal:{withdrawal_id}", shown, ip, station_id=station_id)
    db.session.commit()
