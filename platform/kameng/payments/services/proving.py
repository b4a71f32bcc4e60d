"""Proofs of transfers, and the word of the person who has looked at the bank account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from kameng.db import db
from kameng.errors import Conflict, NotFound
from kameng.payments.models import PaymentAttempt, PaymentProof
from kameng.payments.services.applying import apply_payment


@dataclass(frozen=True, slots=True)
class ProofView:
    """One picture; its content is read on its own."""

    id: int
    media_type: str
    note: str
    at: datetime


def add_proof(attempt_no: str, media_type: str, content: bytes, note: str, ip: str) -> int:
    """Keep a picture for an attempt of the scope's station; returns its number."""
    query = select(PaymentAttempt).where(PaymentAttempt.attempt_no == attempt_no)
    attempt = db.session.scalar(query)
    if attempt is None:
        raise NotFound("attempt_unknown", _l("没有这个支付单"))
    proof = PaymentProof(
        station_id=attempt.station_id, attempt_id=attempt.id, media_type=media_type,
        content=content, note=note, ip=ip,
    )  # fmt: skip
    db.session.add(proof)
    db.session.flush()
    number = proof.id
    db.session.commit()
    return number


def proofs_of(station_id: int, attempt_no: str) -> Sequence[ProofView]:
    """Pictures of an attempt, oldest first, without their content."""
    query = (
        select(PaymentProof.id, PaymentProof.media_type, PaymentProof.note, PaymentProof.at)
        .join(
            PaymentAttempt,
            (PaymentAttempt.station_id == PaymentProof.station_id)
            & (PaymentAttempt.id == PaymentProof.attempt_id),
        )
        .where(PaymentAttempt.station_id == station_id, PaymentAttempt.attempt_no == attempt_no)
        .order_by(PaymentProof.id)
    )
    return [ProofView(*row) for row in db.session.execute(query)]


def proof(station_id: int, proof_id: int) -> tuple[str, bytes]:
    """Media type and content of one proof; raises `NotFound`."""
    found = db.session.get(PaymentProof, (station_id, proof_id))
    if found is None:
        raise NotFound("proof_unknown", _l("没有这张凭证"))
    return found.media_type, found.content


def confirm_manual(station_id: int, attempt_no: str, amount: int, ref: str, actor: str) -> str:
    """A person has seen `amount` (scale 4) on the account; returns the code of apply_payment."""
    query = select(PaymentAttempt).where(
        PaymentAttempt.station_id == station_id, PaymentAttempt.attempt_no == attempt_no
    )
    attempt = db.session.scalar(query)
    if attempt is None:
        raise NotFound("attempt_unknown", _l("没有这个支付单"))
    if attempt.state == "declined":
        raise Conflict("over", _l("这个支付单已经结束"))
    plugin_id, holder, account = attempt.plugin_id, attempt.account_station_id, attempt.account
    db.session.rollback()
    return apply_payment(
        station_id, plugin_id, attempt_no, amount, ref, actor, holder=holder, account=account
    )
