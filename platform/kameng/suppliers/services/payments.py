"""Money that goes to suppliers: one person asks, another one agrees, then it is booked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kameng.db import db, run
from kameng.errors import Conflict, DomainError
from kameng.identity.api import audit, on_decision

REFUSALS: dict[str, Any] = {
    "supplier_unknown": _l("没有这个供应商"),
    "amount_invalid": _l("请填写付款金额，最多两位小数"),
    "conflict": _l("这张表单已经提交过，内容不一样。请重新打开页面再填"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """A payment to a supplier (below zero: it came back); `amount` at scale 4."""

    supplier_id: int
    id: int
    amount: int
    paid_on: date
    method: str
    reference: str
    note: str
    state: str
    requested_by: str
    created_at: datetime
    done_at: datetime | None


_LIST = text(
    "SELECT supplier_id, id, amount, paid_on, method, reference, note, state, requested_by,"
    " created_at, done_at FROM supplier_payment WHERE supplier_id = :supplier"
    " ORDER BY id DESC LIMIT :limit"
)
_BALANCE = text("SELECT owed FROM supplier_balance(:supplier)")


def owed_to(supplier_id: int) -> int:
    """What is owed to a supplier, scale 4; main scope or the supplier's own."""
    return int(db.session.scalar(_BALANCE, {"supplier": supplier_id}))


def payments_of(supplier_id: int, limit: int = 50) -> list[PaymentView]:
    """Newest first; main scope or the supplier's own."""
    rows = db.session.execute(_LIST, {"supplier": supplier_id, "limit": limit}).mappings()
    return [PaymentView(**row) for row in rows]


def request_payment(
    supplier_id: int, amount: int, paid_on: date, method: str, reference: str, note: str,
    actor: str, key: str, ip: str = "",
) -> int:  # fmt: skip
    """Ask for a payment of `amount` (scale 4, whole fen) to be booked. Main scope.

    Nothing moves before another person agrees; the same `key` again is the same request. Returns
    its id; raises `DomainError("supplier_unknown" | "amount_invalid" | "conflict")`.
    """
    row = run(
        "request_supplier_payment", p_supplier=supplier_id, p_amount=amount, p_paid_on=paid_on,
        p_method=method.strip()[:40], p_reference=reference.strip()[:80],
        p_note=" ".join(note.split())[:200], p_actor=actor, p_key=key,
    )[0]  # fmt: skip
    if row["code"] not in ("ok", "repeat"):
        db.session.rollback()
        raise DomainError(row["code"], REFUSALS[row["code"]], 422)
    number = int(row["payment_id"])
    if row["code"] == "ok":
        detail = {"payment": number, "amount": amount, "reference": reference}
        audit(actor, "supplier.payment", f"supplier:{supplier_id}", detail, ip)
    db.session.commit()
    return number


def settle_payment(_station_id: int, subject: str, approved: bool) -> None:
    """What follows on the second person's word; in that transaction, no commit.

    Raises `Conflict("not_approved")`; then nothing has moved.
    """
    try:
        run("settle_supplier_payment", p_id=int(subject), p_agreed=approved)
    except DBAPIError as error:
        state = error.orig.sqlstate if isinstance(error.orig, psycopg.Error) else None
        if state != "KM403":
            raise
        raise Conflict("not_approved", _l("还没有第二个人批准")) from error


on_decision("supplier_payment", settle_payment)
