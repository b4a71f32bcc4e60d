"""Give money back through the gateway: one number for ever, asked before it is repeated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, true, update

from kameng import recovery
from kameng.db import db, main_scope, run
from kameng.payments.domain import next_refund_delay
from kameng.payments.models import PaymentAttempt, Refund
from kameng.plugins import api as plugins
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import RefundRequest

OPEN = ("created", "sent", "unknown")
STATES = {
    Outcome.SUCCEEDED: "succeeded", Outcome.PENDING: "sent",
    Outcome.UNKNOWN: "unknown", Outcome.DECLINED: "declined",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Claimed:
    request: RefundRequest
    plugin_id: str
    holder: int
    account: str
    asked_before: bool
    tries: int


def due_refunds(limit: int = 100) -> list[tuple[int, int]]:
    """Open refunds whose next try is due, as (station, id); none in recovery. Main scope."""
    if recovery.active():
        return []
    query = select(Refund.station_id, Refund.id).where(
        Refund.state.in_(OPEN), Refund.next_try_at <= datetime.now(UTC)
    )
    found = db.session.execute(query.order_by(Refund.next_try_at).limit(limit)).all()
    return [(row[0], row[1]) for row in found]


def refund_number(station_id: int, refund_id: int) -> str:
    """The number under which a refund is known outside. Main scope."""
    return db.session.get_one(Refund, (station_id, refund_id)).refund_no


def send_refund(station_id: int, refund_id: int) -> str:
    """One step of a refund: send it, or ask what became of it. Returns its state."""
    claimed = _claim(station_id, refund_id)
    if claimed is None:
        return "not_due"
    try:
        provider = plugins.provider(
            station_id, claimed.plugin_id, holder=claimed.holder, account=claimed.account
        )
    except plugins.PluginUnavailable as error:
        return _settle(station_id, claimed, "unknown", "", str(error))
    answer = provider.query_refund(claimed.request) if claimed.asked_before else None
    if answer is None or answer.outcome is Outcome.UNKNOWN or answer.value is None:
        # The same number again: a gateway that has done it answers with the first result.
        answer = provider.refund(claimed.request)
    state = STATES[answer.outcome]
    if answer.retry_after_s is not None or answer.misconfigured:
        state = "unknown"  # nothing was sent: the number stays good, it is tried again
    ref = answer.value.provider_ref if answer.value else ""
    return _settle(station_id, claimed, state, ref, answer.message)


def ask_soon(
    station_id: int, plugin_id: str, holder: int, account: str, attempt_no: str, refund_no: str
) -> int:
    """A notice speaks of a refund: ask about it now; the notice itself is not believed.

    Returns how many open refunds it concerns. Opens its own scope.
    """
    with main_scope(reason="refund notice"):
        mine = select(PaymentAttempt.id).where(
            PaymentAttempt.station_id == station_id, PaymentAttempt.attempt_no == attempt_no,
            PaymentAttempt.plugin_id == plugin_id, PaymentAttempt.account_station_id == holder,
            PaymentAttempt.account == account,
        )  # fmt: skip
        wanted = update(Refund).where(
            Refund.station_id == station_id, Refund.attempt_id.in_(mine), Refund.state.in_(OPEN),
            Refund.refund_no == refund_no if refund_no else true(),
        )  # fmt: skip
        # "Created" is not sent yet: nothing to ask about, and its first step is due anyway.
        found = db.session.scalars(
            wanted.where(Refund.state != "created")
            .values(next_try_at=datetime.now(UTC))
            .returning(Refund.id)
        ).all()
        db.session.commit()
    return len(found)


def _claim(station_id: int, refund_id: int) -> _Claimed | None:
    """Take the refund for this step; a second worker finds it not due. Committed."""
    now = datetime.now(UTC)
    with main_scope(reason="refund"):
        refund = db.session.get(Refund, (station_id, refund_id))
        if refund is None or recovery.active():
            return None
        before = refund.state
        taken = db.session.execute(
            update(Refund)
            .where(
                Refund.station_id == station_id, Refund.id == refund_id, Refund.state.in_(OPEN),
                Refund.next_try_at <= now,
            )
            .values(state="sent", next_try_at=now + timedelta(seconds=60))
        )  # fmt: skip
        if not taken.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result has it
            return None
        attempt = db.session.get_one(PaymentAttempt, (station_id, refund.attempt_id))
        claimed = _Claimed(
            RefundRequest(
                attempt_no=attempt.attempt_no,
                provider_ref=refund.provider_ref or attempt.provider_ref,
                refund_no=refund.refund_no, amount=Money(refund.amount),
                total=Money(attempt.amount), reason=refund.reason, made_at=refund.created_at,
            ),
            attempt.plugin_id, attempt.account_station_id, attempt.account, before != "created",
            refund.tries,
        )  # fmt: skip
        db.session.commit()
    return claimed


def _settle(station_id: int, claimed: _Claimed, state: str, ref: str, message: str) -> str:
    with main_scope(reason="refund"):
        run(
            "settle_refund", p_station=station_id, p_refund_no=claimed.request.refund_no,
            p_state=state, p_ref=ref, p_message=message[:200],
            p_next=next_refund_delay(claimed.tries),
        )  # fmt: skip
        db.session.commit()
    return state
