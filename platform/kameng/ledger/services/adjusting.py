"""Adjustments: one person asks, another one agrees, then the money moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from kameng.db import db, run
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.ledger.models import Adjustment

# What a person may move, from and to: the same pairs as request_adjustment knows.
MEMBER_PAIRS = (("adjustment", "wallet"), ("wallet", "adjustment"))
STATION_PAIRS = (
    ("adjustment", "prepaid"), ("prepaid", "adjustment"),
    ("adjustment", "available"), ("available", "adjustment"),
    ("available", "prepaid"), ("available", "deposit"),
    ("deposit", "available"), ("deposit", "prepaid"), ("deposit", "revenue"),
)  # fmt: skip
LARGEST = 10**13  # 1 billion yuan

MESSAGES = {
    "conflict": _l("这张表单已经提交过，内容不一样。请重新打开页面再填"),
    "pair_invalid": _l("这两个账户之间不能调账"),
    "amount_invalid": _l("调账金额要大于 0"),
    "member_unknown": _l("没有这个会员"),
    "reason_missing": _l("请写明原因，批准的人要看"),
}
BALANCES_SQL = text("""
    SELECT a.kind, b.balance FROM account a JOIN account_balance b ON b.account_id = a.id
     WHERE a.station_id = :station AND a.kind IN ('prepaid', 'deposit', 'available')
""")


class AdjustmentRefused(DomainError):
    """Nothing was asked for, or nothing was moved; the message says why."""

    default_status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentView:
    """One adjustment; amounts at scale 4."""

    station_id: int
    id: int
    debit: str
    debit_ref: str
    credit: str
    credit_ref: str
    amount: int
    reason: str
    state: str
    requested_by: str
    created_at: datetime
    done_at: datetime | None


def request_adjustment(
    station_id: int, debit: tuple[str, str], credit: tuple[str, str], amount: int, reason: str,
    actor: str, key: str, ip: str = "",
) -> int:  # fmt: skip
    """Ask for `amount` (scale 4) to go from `debit` to `credit`, each (kind, ref). Main scope.

    Nothing moves before another person agrees. The same `key` again is the same request. Returns
    its number; raises `AdjustmentRefused`.
    """
    row = run(
        "request_adjustment", p_station=station_id, p_debit_kind=debit[0], p_debit_ref=debit[1],
        p_credit_kind=credit[0], p_credit_ref=credit[1],
        p_amount=amount if 0 < amount <= LARGEST else 0, p_reason=reason[:200], p_actor=actor,
        p_key=key,
    )[0]  # fmt: skip
    if row["code"] not in ("ok", "repeat"):
        db.session.rollback()
        raise AdjustmentRefused(row["code"], MESSAGES[row["code"]])
    number = int(row["id"])
    if row["code"] == "ok":
        detail = {"from": debit[0], "to": credit[0], "amount": amount, "reason": reason}
        subject = f"adjustment:{number}"
        audit(actor, "adjustment.request", subject, detail, ip, station_id=station_id)
    db.session.commit()
    return number


def post_adjustment(station_id: int, number: int) -> None:
    """Carry an approved adjustment out, in the open transaction (main scope); no commit.

    Done already is fine. Raises `AdjustmentRefused` with `insufficient_funds`, `not_approved` or
    `refused`, and `NotFound`; then nothing has moved.
    """
    try:
        code = run("post_adjustment", p_station=station_id, p_id=number)[0]["code"]
    except DBAPIError as error:
        raise _refusal(error) from error
    if code == "not_found":
        raise NotFound("adjustment_unknown", _l("没有这笔调账"))
    if code == "refused":
        raise Conflict("refused", _l("这笔调账已经被拒绝"))


def refuse_adjustment(station_id: int, number: int) -> None:
    """End an adjustment that was refused or has expired (main scope); no commit."""
    run("refuse_adjustment", p_station=station_id, p_id=number)


def settle_adjustment(station_id: int, subject: str, approved: bool) -> None:
    """What follows on the answer to a request: it is carried out, or it is over. No commit."""
    if approved:
        post_adjustment(station_id, int(subject))
    else:
        refuse_adjustment(station_id, int(subject))


def adjustments(
    station_id: int, *, member_id: int | None = None, limit: int = 20
) -> list[AdjustmentView]:
    """Adjustments of a station's own accounts, or of one member's wallet, newest first."""
    query = select(Adjustment).where(Adjustment.station_id == station_id)
    wallet = (Adjustment.debit_kind == "wallet") | (Adjustment.credit_kind == "wallet")
    if member_id is None:
        query = query.where(~wallet)
    else:
        ref = Adjustment.debit_ref + Adjustment.credit_ref
        query = query.where(wallet, ref == str(member_id))
    rows = db.session.scalars(query.order_by(Adjustment.id.desc()).limit(limit))
    return [adjustment_view(row) for row in rows]


def station_funds(station_id: int) -> dict[str, int]:
    """Balances of a station's prepaid, deposit and available accounts (scale 4)."""
    found = {"prepaid": 0, "deposit": 0, "available": 0}
    rows = db.session.execute(BALANCES_SQL, {"station": station_id})
    return found | {row.kind: int(row.balance) for row in rows}


def adjustment_view(row: Adjustment) -> AdjustmentView:
    """A row as pages show it."""
    return AdjustmentView(
        station_id=row.station_id, id=row.id, debit=row.debit_kind, debit_ref=row.debit_ref,
        credit=row.credit_kind, credit_ref=row.credit_ref, amount=row.amount, reason=row.reason,
        state=row.state, requested_by=row.requested_by, created_at=row.created_at,
        done_at=row.done_at,
    )  # fmt: skip


def _refusal(error: DBAPIError) -> Exception:
    state = error.orig.sqlstate if isinstance(error.orig, psycopg.Error) else None
    db.session.rollback()
    if state == "KM003":
        return AdjustmentRefused("insufficient_funds", _l("余额不足，没有调账"))
    if state == "KM403":
        return AdjustmentRefused("not_approved", _l("还没有第二个人批准"))
    return error
