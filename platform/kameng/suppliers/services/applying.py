"""Applications: handed in by anybody, with papers; nothing of it is public."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db, main_scope
from kameng.errors import DomainError
from kameng.identity.api import audit
from kameng.stock.api import raise_alert
from kameng.suppliers.domain import applying as rules
from kameng.suppliers.services import documents
from kameng.suppliers.services.documents import Upload

PROBLEMS: Mapping[str, Any] = {
    "too_short": _l("请填写完整"),
    "bad_phone": _l("请填写能联系到的电话"),
    "bad_mail": _l("请填写正确的邮箱，审核结果发到这里"),
}
_CODES = text("SELECT code FROM supplier")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('kameng.suppliers', 0))")
_INSERT = text(
    "INSERT INTO supplier(code, name, legal_name, contact_name, phone, email, about) VALUES"
    " (:code, :name, :legal_name, :contact_name, :phone, :email, :about) RETURNING id"
)
_SAME = text(
    "SELECT EXISTS (SELECT 1 FROM supplier WHERE legal_name = :legal_name"
    " AND state IN ('applied', 'active', 'paused'))"
)
LIMITS = {
    "name": 40, "legal_name": 80, "contact_name": 30, "phone": 20, "email": 120, "about": 1000,
}  # fmt: skip


class ApplicationRefused(DomainError):
    """The form has mistakes: `facts["errors"]` is field → message."""

    default_status = 422


def apply(given: Mapping[str, str], files: Sequence[Upload], ip: str = "") -> int:
    """Hand an application in; returns the supplier's id. Opens its own scope.

    Raises `ApplicationRefused` with all mistakes at once; crypto-assets are refused by the words
    of the form, and the message says by which one.
    """
    fields = {name: given.get(name, "").strip()[:most] for name, most in LIMITS.items()}
    wrong = {name: str(PROBLEMS[why]) for name, why in rules.application_problems(fields).items()}
    word = rules.crypto_word(fields["name"], fields["legal_name"], fields["about"])
    if word:
        wrong["about"] = _("本站不经营加密资产，资料里出现了“%(word)s”，不能申请", word=word)
    if not any(file.kind == "business_licence" for file in files):
        wrong["business_licence"] = _("请上传营业执照")
    wrong |= documents.upload_problems(files)
    if wrong:
        raise ApplicationRefused("application_refused", next(iter(wrong.values())), errors=wrong)
    with main_scope(reason="application of a supplier"):
        number = _keep(fields, files)
        detail = {"name": fields["name"], "documents": len(files)}
        audit("applicant", "supplier.apply", f"supplier:{number}", detail, ip)
        db.session.commit()
    return number


def _keep(fields: dict[str, str], files: Sequence[Upload]) -> int:
    db.session.execute(_LOCK)
    if db.session.scalar(_SAME, {"legal_name": fields["legal_name"]}):
        taken = _("这家公司已经申请过，请等审核结果或联系主站")
        raise ApplicationRefused("already_applied", taken, errors={"legal_name": taken})
    taken_codes = set(db.session.scalars(_CODES))
    code = rules.code_from(fields["name"], taken_codes)
    number = int(db.session.scalar(_INSERT, {**fields, "code": code}))
    for file in files:
        documents.keep(number, file.kind, file.title, file.number, file.content)
    raise_alert("supplier_application", f"supplier:{number}", _("新的供应商申请"), {})
    return number
