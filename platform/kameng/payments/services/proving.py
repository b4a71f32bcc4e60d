"""Paying by hand: the shopper shows a proof, a person who sees the money confirms it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, text

from kameng.db import current_scope, db, in_transaction, main_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.payments.models import PaymentAttempt, PaymentProof
from kameng.payments.services.applying import apply_payment
from kameng.payments.services.attempts import attempt
from kameng.plugins import api as plugins
from kameng_sdk.payments import PaymentCapability

MOST_PROOFS = 3
MOST_BYTES = 2 * 1024 * 1024
MOST_NOTE = 200
MOST_REF = 100
OPEN = ("created", "sent", "unknown")


@dataclass(frozen=True, slots=True)
class ProofView:
    """One proof without its picture."""

    id: int
    media_type: str
    size: int
    note: str
    at: datetime


def picture_type(content: bytes) -> str:
    """What the first bytes say it is: PNG, JPEG or WebP; "" for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return ""


def add_proof(attempt_no: str, media_type: str, content: bytes, note: str, ip: str) -> int:
    """Keep a picture that shows the transfer; returns its id (station scope).

    At most 3 for an attempt, 2 MiB each, PNG, JPEG or WebP by their content (`media_type` is what
    the browser says and counts for nothing). Raises `NotFound` or `DomainError` (`proof_type`,
    `proof_size`, `proof_many`, `proof_closed`).
    """
    kind = picture_type(content)
    if len(content) > MOST_BYTES:
        raise DomainError("proof_size", _l("图片太大，最多 2 MB"))
    if not kind:
        raise DomainError("proof_type", _l("只能上传 PNG、JPEG 或 WebP 图片"))
    found = attempt(attempt_no)
    if found.state not in OPEN:
        raise Conflict("proof_closed", _l("这笔付款已经结束，不用再上传凭证"))
    key = f"proof:{found.station_id}:{found.id}"
    db.session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key}
    )
    mine = select(func.count()).where(PaymentProof.attempt_id == found.id)
    if (db.session.scalar(mine) or 0) >= MOST_PROOFS:
        raise Conflict("proof_many", _l("最多上传 3 张凭证"))
    proof = PaymentProof(
        station_id=found.station_id, attempt_id=found.id, media_type=kind, content=content,
        note=_plain(note, MOST_NOTE), ip=ip[:50],
    )  # fmt: skip
    db.session.add(proof)
    db.session.flush()
    number = proof.id
    db.session.commit()
    return number


def proofs_of(station_id: int, attempt_no: str) -> list[ProofView]:
    """Proofs of an attempt, oldest first (station scope of that station, or main scope)."""
    rows = db.session.execute(
        select(
            PaymentProof.id, PaymentProof.media_type, func.length(PaymentProof.content),
            PaymentProof.note, PaymentProof.at,
        )
        .join(
            PaymentAttempt,
            (PaymentAttempt.station_id == PaymentProof.station_id)
            & (PaymentAttempt.id == PaymentProof.attempt_id),
        )
        .where(PaymentAttempt.station_id == station_id, PaymentAttempt.attempt_no == attempt_no)
        .order_by(PaymentProof.id)
    )  # fmt: skip
    return [ProofView(*row) for row in rows]


def proof(station_id: int, proof_id: int) -> tuple[str, bytes]:
    """Media type and content of one proof; raises `NotFound`."""
    found = db.session.get(PaymentProof, (station_id, proof_id))
    if found is None:
        raise NotFound("proof_unknown", _l("没有这张凭证"))
    return found.media_type, found.content


def confirm_manual(station_id: int, attempt_no: str, amount: int, ref: str, actor: str) -> str:
    """A person has seen `amount` (scale 4) arrive under the bank's `ref`; returns what followed.

    The codes are those of `apply_payment`; another amount than asked for is held for a person like
    any other (`amount_mismatch`). Only who holds the account may confirm: a station's scope its
    own, the main scope the main station's. Raises `NotFound`, `Conflict` (`not_manual`) or
    `DomainError` (`reference_missing`, `amount_invalid`).
    """
    own = current_scope().station_id
    if not ref.strip():
        raise DomainError("reference_missing", _l("请填写转账的流水号或凭证"))
    if not 0 < amount <= 10**17 or amount % 100:
        raise DomainError("amount_invalid", _l("金额不对：要大于 0，最多两位小数"))
    with main_scope(reason="manual confirmation"):
        found = db.session.scalar(
            select(PaymentAttempt).where(
                PaymentAttempt.station_id == station_id, PaymentAttempt.attempt_no == attempt_no
            )
        )
        holder = own or plugins.MAIN_STATION
        if found is None or found.account_station_id != holder or own not in (None, station_id):
            raise NotFound("attempt_unknown", _l("没有这个支付单"))
        plugin_id, account = found.plugin_id, found.account
    bound = plugins.provider(station_id, plugin_id, holder=holder, account=account)
    if PaymentCapability.MANUAL_CONFIRM not in bound.capabilities:
        raise Conflict("not_manual", _l("这种付款方式由渠道确认，不能人工确认"))
    if in_transaction():
        db.session.rollback()
    return apply_payment(
        station_id, plugin_id, attempt_no, amount, _plain(ref.strip(), MOST_REF), actor,
        holder=holder, account=account,
    )  # fmt: skip


def _plain(words: str, most: int) -> str:
    return words.replace("\0", "").encode("utf-8", "replace").decode()[:most]
