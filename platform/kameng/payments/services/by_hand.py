"""Payments that a person looks after: which wait, and the no to one that never came.

Whose account it is decides who looks: in a station's scope these are transfers to the station's own
account, in the main scope those to the main station's accounts, of all stations.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, text, update

from kameng.db import current_scope, db, main_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.payments.models import PaymentAttempt
from kameng.plugins import api as plugins
from kameng_sdk.payments import PaymentCapability

OPEN = ("created", "sent", "unknown")
WAITING_SQL = text("""
    SELECT count(*) FROM payment_attempt a
     WHERE a.state IN ('created', 'sent', 'unknown') AND a.cashier ? 'details'
       AND a.account_station_id = :holder
       AND EXISTS (SELECT 1 FROM payment_proof p
                    WHERE p.station_id = a.station_id AND p.attempt_id = a.id)
""")


def station_payments(station_id: int, limit: int = 8) -> Sequence[PaymentAttempt]:
    """What a station has paid into its own accounts, newest first."""
    query = select(PaymentAttempt).where(
        PaymentAttempt.station_id == station_id, PaymentAttempt.purpose.in_(("prepaid", "deposit"))
    )
    return list(db.session.scalars(query.order_by(PaymentAttempt.id.desc()).limit(limit)))


def waiting_by_hand(limit: int = 200) -> Sequence[PaymentAttempt]:
    """Open attempts on the scope's accounts that a person confirms, oldest first."""
    query = select(PaymentAttempt).where(
        PaymentAttempt.state.in_(OPEN),
        PaymentAttempt.cashier.has_key("details"),
        PaymentAttempt.account_station_id == _holder(),
    )
    return list(db.session.scalars(query.order_by(PaymentAttempt.created_at).limit(limit)))


def proven_count() -> int:
    """How many of them have a picture, so that a person is waited for."""
    return int(db.session.scalar(WAITING_SQL, {"holder": _holder()}) or 0)


def has_desk() -> bool:
    """Whether the scope's station takes transfers to an account of its own, or waits for one."""
    station_id = _holder()
    return any(
        offered.account_station_id == station_id
        and PaymentCapability.MANUAL_CONFIRM in offered.capabilities
        for offered in plugins.enabled_payment_methods(station_id)
    ) or bool(waiting_by_hand(1))


def refuse_by_hand(station_id: int, attempt_no: str, reason: str, actor: str, ip: str = "") -> None:
    """End an attempt whose money never came; the shopper reads `reason`.

    Only who holds the account may: a station's scope its own, the main scope the main station's.
    Money that comes all the same is a late payment. Raises `NotFound`, `Conflict` (`over`) or
    `DomainError` (`reason_missing`).
    """
    own, holder = current_scope().station_id, _holder()
    reason = " ".join(reason.split())[:200]
    if len(reason) < 2:
        raise DomainError("reason_missing", _l("请写明原因，买家会看到"))
    if own not in (None, station_id):
        raise NotFound("attempt_unknown", _l("没有这个支付单"))
    with main_scope(reason="manual refusal"):
        _end(station_id, attempt_no, holder, reason, actor)
        subject = f"attempt:{attempt_no}"
        audit(actor, "payment.refuse", subject, {"reason": reason}, ip, station_id=station_id)
        db.session.commit()


def _end(station_id: int, attempt_no: str, holder: int, reason: str, actor: str) -> None:
    """In the open transaction of the main scope."""
    key = (
        (PaymentAttempt.station_id == station_id)
        & (PaymentAttempt.attempt_no == attempt_no)
        & (PaymentAttempt.account_station_id == holder)
    )
    attempt = db.session.scalar(select(PaymentAttempt).where(key))
    if attempt is None or "details" not in attempt.cashier:
        raise NotFound("attempt_unknown", _l("没有这个支付单"))
    ended = db.session.execute(
        update(PaymentAttempt)
        .where(key, PaymentAttempt.state.in_(OPEN))
        .values(
            state="declined", closed_at=datetime.now(UTC), next_query_at=None,
            message="refused by " + actor, cashier={**attempt.cashier, "refused": reason},
        )
    )  # fmt: skip
    if not ended.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result has it
        db.session.rollback()
        raise Conflict("over", _l("这个支付单已经结束，请刷新后再看"))


def _holder() -> int:
    """Whose accounts the scope looks after."""
    return current_scope().station_id or plugins.MAIN_STATION
