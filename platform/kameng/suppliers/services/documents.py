"""Licences and the like: sealed when they come, opened for who reviews them, never sent out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db, supplier_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.suppliers.domain import applying as rules
from kameng.suppliers.services import sealing
from kameng.suppliers.services.noting import note

KIND_WORDS: dict[str, Any] = {
    "business_licence": _l("营业执照"),
    "telecom_licence": _l("电信业务许可证"),
    "brand_authorisation": _l("品牌授权书"),
    "identity": _l("负责人身份证"),
    "bank_account": _l("开户许可或账户信息"),
    "other": _l("其他材料"),
}
MOST_DOCUMENTS = 60  # of one supplier: beyond it somebody fills the disk


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came, and what its sender says it is."""

    kind: str
    title: str
    content: bytes
    number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """A document without its content. `valid_until` None: for ever, or not reviewed yet."""

    supplier_id: int
    id: int
    kind: str
    title: str
    number: str
    issued_by: str
    valid_until: date | None
    media_type: str
    state: str
    reason: str
    reviewed_by: str
    reviewed_at: datetime | None
    submitted_at: datetime


_COLUMNS = (
    "supplier_id, id, kind, title, number, issued_by, valid_until, media_type, state, reason,"
    " reviewed_by, reviewed_at, submitted_at"
)
_LIST = text(
    f"SELECT {_COLUMNS} FROM supplier_document WHERE supplier_id = :supplier ORDER BY id DESC"
)
_OPEN = text(
    "SELECT media_type, sealed FROM supplier_document WHERE supplier_id = :supplier AND id = :id"
)
_INSERT = text(
    "INSERT INTO supplier_document(supplier_id, kind, title, number, media_type, sealed)"
    " VALUES (:supplier, :kind, :title, :number, :media, :sealed) RETURNING id"
)
_COUNT = text("SELECT count(*) FROM supplier_document WHERE supplier_id = :supplier")
_REVIEW = text(
    "UPDATE supplier_document SET state = :state, reason = :reason, valid_until = :until,"
    " number = :number, issued_by = :issued_by, reviewed_by = :actor, reviewed_at = now()"
    " WHERE supplier_id = :supplier AND id = :id AND (state = 'submitted'"
    " OR state = 'approved' AND :state = 'refused') RETURNING kind"
)


def upload_problems(files: Sequence[Upload]) -> dict[str, str]:
    """Field (the document's kind) → what is wrong with a file."""
    wrong = {}
    for file in files:
        if file.kind not in rules.DOCUMENT_KINDS:
            wrong["other"] = _("不认识的材料种类")
        elif len(file.content) > rules.MAX_FILE:
            wrong[file.kind] = _("文件不能超过 5 MB")
        elif not rules.media_type(file.content):
            wrong[file.kind] = _("只收 PNG、JPG 图片或 PDF")
    if len(files) > rules.MOST_FILES:
        wrong["other"] = _("一次最多交 8 份材料")
    return wrong


def keep(supplier_id: int, kind: str, title: str, number: str, content: bytes) -> int:
    """Seal and store one checked file in the open scope; no commit."""
    title = " ".join(title.split())[:80] or str(KIND_WORDS[kind])
    given = {
        "supplier": supplier_id, "kind": kind, "title": title, "number": number.strip()[:60],
        "media": rules.media_type(content),
        "sealed": sealing.seal(supplier_id, "document", content),
    }  # fmt: skip
    return int(db.session.scalar(_INSERT, given))


def hand_in(supplier_id: int, kind: str, title: str, number: str, content: bytes) -> int:
    """A supplier's own upload. Opens its scope; raises `DomainError("document_invalid")`."""
    wrong = upload_problems([Upload(kind, title, content, number)])
    if wrong:
        raise DomainError("document_invalid", next(iter(wrong.values())), 422)
    with supplier_scope(supplier_id):
        if db.session.scalar(_COUNT, {"supplier": supplier_id}) >= MOST_DOCUMENTS:
            raise DomainError("too_many_documents", _l("材料太多，请联系主站清理"), 422)
        made = keep(supplier_id, kind, title, number, content)
        db.session.commit()
    note(supplier_id, "supplier.document", {"document": made, "kind": kind})
    return made


def documents_of(supplier_id: int) -> list[DocumentView]:
    """Newest first; main scope or the supplier's own."""
    rows = db.session.execute(_LIST, {"supplier": supplier_id}).mappings()
    return [DocumentView(**row) for row in rows]


def open_document(
    supplier_id: int, document_id: int, actor: str, ip: str = ""
) -> tuple[str, bytes]:
    """Media type and content for a reviewer; every opening is written down. Main scope."""
    row = db.session.execute(_OPEN, {"supplier": supplier_id, "id": document_id}).first()
    if row is None:
        raise NotFound("document_unknown", _l("没有这份材料"))
    content = sealing.unseal(supplier_id, "document", bytes(row.sealed))
    detail = {"document": document_id}
    audit(actor, "supplier.document_open", f"supplier:{supplier_id}", detail, ip)
    db.session.commit()
    return str(row.media_type), content


def review(
    supplier_id: int, document_id: int, *, approve: bool, reason: str, valid_until: date | None,
    number: str, issued_by: str, actor: str, ip: str = "",
) -> None:  # fmt: skip
    """Approve a document, with its last day, or refuse it with a reason. Main scope.

    An approved one may be refused later. Raises `DomainError("reason_missing")`, `Conflict`.
    """
    reason = " ".join(reason.split())[:200]
    if not approve and len(reason) < 2:
        raise DomainError("reason_missing", _l("请写明原因，供应商会看到"))
    given = {
        "supplier": supplier_id, "id": document_id, "state": "approved" if approve else "refused",
        "reason": reason, "until": valid_until if approve else None, "number": number.strip()[:60],
        "issued_by": issued_by.strip()[:80], "actor": actor,
    }  # fmt: skip
    kind = db.session.scalar(_REVIEW, given)
    if kind is None:
        db.session.rollback()
        raise Conflict("document_decided", _l("这份材料已经有结果，请刷新后再看"))
    detail = {
        "document": document_id, "kind": kind, "reason": reason,
        "valid_until": valid_until.isoformat() if valid_until else "",
    }  # fmt: skip
    action = "supplier.document_approve" if approve else "supplier.document_refuse"
    audit(actor, action, f"supplier:{supplier_id}", detail, ip)
    db.session.commit()
