"""The main station's decisions about suppliers: taken on, stopped, graded. In main scope."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.jobs import notice_text, send_notice
from kameng.runtime import current_settings
from kameng.stock.api import close_alert
from kameng.suppliers.services import grading, people

MANUAL = "supplier-manual"
GRADES = ("A", "B", "C", "D")
# wanted state → states it may be reached from
MOVES: Mapping[str, tuple[str, ...]] = {
    "paused": ("active",),
    "active": ("paused",),
    "closed": ("active", "paused"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierView:
    """A supplier as staff see it. `owed` at scale 4: below zero it holds our money."""

    id: int
    code: str
    name: str
    legal_name: str
    contact_name: str
    phone: str
    email: str
    internal: bool
    state: str
    pause_reason: str
    grade: str | None
    grade_fixed: bool
    about: str
    reason: str
    created_at: datetime
    decided_at: datetime | None
    decided_by: str
    owed: int


_ONE = text(
    "SELECT s.id, s.code, s.name, s.legal_name, s.contact_name, s.phone, s.email, s.internal,"
    " s.state, s.pause_reason, s.grade, s.grade_fixed, s.about, s.reason, s.created_at,"
    " s.decided_at, s.decided_by, b.owed FROM supplier s, supplier_balance(s.id) b"
    " WHERE s.id = :supplier"
)
_LOCK = text(
    "SELECT state, name, contact_name, email, internal FROM supplier WHERE id = :id"
    " FOR NO KEY UPDATE"
)
_LICENSED = text(
    "SELECT EXISTS (SELECT 1 FROM supplier_document WHERE supplier_id = :supplier"
    " AND kind = 'business_licence' AND state = 'approved'"
    " AND coalesce(valid_until, 'infinity') >= (now() AT TIME ZONE 'Asia/Shanghai')::date)"
)
_DECIDE = text(
    "UPDATE supplier SET state = :state, reason = :reason, decided_at = now(),"
    " decided_by = :actor WHERE id = :supplier"
)
_CONNECT = text(
    "INSERT INTO supply_connection(supplier_id, plugin_id, name, sync_goods)"
    " SELECT id, :plugin, name, false FROM supplier WHERE id = :supplier"
    " ON CONFLICT (supplier_id, plugin_id, account) DO NOTHING"
)
_MOVE = text(
    "UPDATE supplier SET state = :state, pause_reason = :pause, reason = :reason"
    " WHERE id = :supplier"
)
_GRADE = text("UPDATE supplier SET grade = :grade, grade_fixed = :fixed WHERE id = :supplier")
_FREE = text("UPDATE supplier SET grade_fixed = false WHERE id = :supplier")
_USER = text("SELECT login, email FROM supplier_user WHERE supplier_id = :supplier AND id = :id")


def supplier(supplier_id: int) -> SupplierView:
    """One supplier; raises `NotFound`."""
    row = db.session.execute(_ONE, {"supplier": supplier_id}).mappings().first()
    if row is None:
        raise NotFound("supplier_unknown", _l("没有这个供应商"))
    return SupplierView(**row)


def approve(supplier_id: int, login: str, actor: str, ip: str = "") -> int:
    """Take an applicant on: an invitation goes by mail, it delivers by hand at the portal.

    Returns the person's id. Raises `DomainError("licence_missing" | "login_invalid")`,
    `Conflict("decided" | "login_taken")`.
    """
    row = _locked(supplier_id)
    if row.state != "applied":
        raise _moved()
    if not db.session.scalar(_LICENSED, {"supplier": supplier_id}):
        raise DomainError("licence_missing", _l("先要通过一份有效的营业执照"))
    given = {"state": "active", "reason": "", "actor": actor, "supplier": supplier_id}
    db.session.execute(_DECIDE, given)
    db.session.execute(_CONNECT, {"supplier": supplier_id, "plugin": MANUAL})
    person = people.add_person(supplier_id, login, row.contact_name, row.email)
    _mail_invitation(supplier_id, person)
    close_alert("supplier_application", f"supplier:{supplier_id}")
    audit(actor, "supplier.approve", f"supplier:{supplier_id}", {"login": login}, ip)
    grading.tell(supplier_id)
    db.session.commit()
    return person


def refuse(supplier_id: int, reason: str, actor: str, ip: str = "") -> None:
    """Turn an applicant away; the reason is mailed. Raises `DomainError`, `Conflict`."""
    reason = _reason(reason)
    row = _locked(supplier_id)
    if row.state != "applied":
        raise _moved()
    given = {"state": "refused", "reason": reason, "actor": actor, "supplier": supplier_id}
    db.session.execute(_DECIDE, given)
    link = f"{_main_url()}/supplier/apply"
    words = notice_text("supplier.refused", "", supplier=row.name, reason=reason, link=link)
    send_notice(1, "supplier.refused", row.email, *words, f"supplier.refused:{supplier_id}")
    close_alert("supplier_application", f"supplier:{supplier_id}")
    audit(actor, "supplier.refuse", f"supplier:{supplier_id}", {"reason": reason}, ip)
    db.session.commit()


def set_state(supplier_id: int, state: str, reason: str, actor: str, ip: str = "") -> None:
    """Pause, resume or close; nothing is bought from who is not active.

    Raises `DomainError("reason_missing")`, `Conflict("decided" | "internal")`.
    """
    reason = _reason(reason)
    row = _locked(supplier_id)
    if row.internal:
        raise Conflict("internal", _l("主站自己的人工台不能停用"))
    if state not in MOVES or row.state not in MOVES[state]:
        raise _moved()
    pause = reason if state == "paused" else ""
    given = {"state": state, "pause": pause, "reason": reason, "supplier": supplier_id}
    db.session.execute(_MOVE, given)
    detail = {"from": row.state, "state": state, "reason": reason}
    audit(actor, "supplier.state", f"supplier:{supplier_id}", detail, ip)
    grading.tell(supplier_id)
    db.session.commit()


def fix_grade(supplier_id: int, grade: str, reason: str, actor: str, ip: str = "") -> None:
    """Set the grade by hand: the scorecard leaves it alone. "" gives it back to the scorecard."""
    reason = _reason(reason)
    _locked(supplier_id)
    if grade and grade not in GRADES:
        raise DomainError("grade_unknown", _l("等级只有 A、B、C、D"))
    given = {"supplier": supplier_id, "grade": grade, "fixed": True}
    db.session.execute(_GRADE if grade else _FREE, given if grade else {"supplier": supplier_id})
    detail = {"grade": grade, "reason": reason}
    audit(actor, "supplier.grade", f"supplier:{supplier_id}", detail, ip)
    grading.tell(supplier_id)
    db.session.commit()


def invite(supplier_id: int, login: str, name: str, email: str, actor: str, ip: str = "") -> int:
    """One more person of a supplier; the invitation goes to its address by mail."""
    row = _locked(supplier_id)
    if row.internal or row.state not in people.ENTER:
        raise _moved()
    person = people.add_person(supplier_id, login, name, email.strip()[:120] or row.email)
    _mail_invitation(supplier_id, person)
    audit(actor, "supplier.invite", f"supplier:{supplier_id}", {"login": login}, ip)
    db.session.commit()
    return person


def invite_again(supplier_id: int, user_id: int, actor: str, ip: str = "") -> None:
    """A fresh link for somebody who lost the first one, or the password."""
    login = _mail_invitation(supplier_id, user_id)
    audit(actor, "supplier.invite", f"supplier:{supplier_id}", {"login": login}, ip)
    db.session.commit()


def _mail_invitation(supplier_id: int, user_id: int) -> str:
    row = db.session.execute(_USER, {"supplier": supplier_id, "id": user_id}).first()
    if row is None:
        raise NotFound("person_unknown", _l("没有这个人。"))
    name = supplier(supplier_id).name
    link = f"{_main_url()}/supplier/invitation/{people.invitation(supplier_id, user_id)}"
    words = notice_text("supplier.approved", "", supplier=name, login=row.login, link=link)
    dedup = f"supplier.approved:{user_id}:{int(time.time())}"
    send_notice(1, "supplier.approved", row.email, *words, dedup)
    return str(row.login)


def _locked(supplier_id: int) -> Any:
    row = db.session.execute(_LOCK, {"id": supplier_id}).first()
    if row is None:
        raise NotFound("supplier_unknown", _l("没有这个供应商"))
    return row


def _reason(reason: str) -> str:
    reason = " ".join(reason.split())[:200]
    if len(reason) < 2:
        raise DomainError("reason_missing", _l("请写明原因，供应商会看到"))
    return reason


def _moved() -> Conflict:
    return Conflict("decided", _l("这个供应商的状态已经变化，请刷新后再看"))


def _main_url() -> str:
    settings = current_settings()
    return settings.host_url(settings.main_host)
