"""Ask the gateway what became of an attempt: callbacks may stay away for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from kameng.db import db, main_scope
from kameng.payments.domain import next_query_delay
from kameng.payments.models import PaymentAttempt
from kameng.payments.services.applying import apply_payment
from kameng.plugins import api as plugins
from kameng_sdk.outcomes import Outcome


def claim_due(limit: int = 200) -> list[tuple[int, int]]:
    """Attempts whose next question is due, as (station, id); their next time is set first.

    Main scope. Claimed with SKIP LOCKED, so any number of schedulers may ask.
    """
    now = datetime.now(UTC)
    due = db.session.scalars(
        select(PaymentAttempt)
        .where(PaymentAttempt.next_query_at <= now)
        .order_by(PaymentAttempt.next_query_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    claimed = []
    for attempt in due:
        delay = next_query_delay(attempt.query_count, now, attempt.expires_at)
        attempt.next_query_at = now + delay if delay else None
        attempt.query_count += 1
        if attempt.state in ("created", "sent", "unknown"):
            claimed.append((attempt.station_id, attempt.id))
    db.session.commit()
    return claimed


def query_attempt(station_id: int, attempt_id: int) -> str:
    """Ask once, with the same number as ever; returns what is known now. Opens its own scopes."""
    with main_scope(reason="payment query"):
        attempt = db.session.get(PaymentAttempt, (station_id, attempt_id))
        if attempt is None or attempt.state in ("succeeded", "declined"):
            return attempt.state if attempt else "missing"
        number, ref, plugin_id = attempt.attempt_no, attempt.provider_ref, attempt.plugin_id
        holder, account = attempt.account_station_id, attempt.account
    try:
        provider = plugins.provider(station_id, plugin_id, holder=holder, account=account)
    except plugins.PluginUnavailable:
        return "unavailable"
    answer = provider.query(number, ref)
    if answer.code == "not_supported":
        return "pending"  # a notice or a person will tell
    found = answer.value
    if answer.outcome is Outcome.SUCCEEDED and found is not None and found.amount is not None:
        return apply_payment(
            station_id, plugin_id, number, found.amount.amount, found.provider_ref or ref, "query",
            currency=found.amount.currency, holder=holder, account=account,
        )  # fmt: skip
    # "Not answered" must never close an attempt: only the gateway's own clear no does.
    if answer.outcome is Outcome.DECLINED and found is not None:
        _close(station_id, attempt_id, {"message": found.message})
        return "declined"
    return answer.outcome.value


def close_attempts(station_id: int, order_id: int) -> int:
    """Ask gateways to close the open attempts of an order that is over; returns how many did.

    Money that comes all the same is a late payment and is served or returned. Opens its scopes.
    """
    with main_scope(reason="close attempts"):
        rows = db.session.execute(
            select(
                PaymentAttempt.id,
                PaymentAttempt.plugin_id,
                PaymentAttempt.attempt_no,
                PaymentAttempt.provider_ref,
                PaymentAttempt.account_station_id,
                PaymentAttempt.account,
            ).where(
                PaymentAttempt.station_id == station_id,
                PaymentAttempt.order_id == order_id,
                PaymentAttempt.state.in_(("sent", "unknown")),
            )
        ).all()
    closed = 0
    for attempt_id, plugin_id, number, ref, holder, account in rows:
        try:
            provider = plugins.provider(station_id, plugin_id, holder=holder, account=account)
        except plugins.PluginUnavailable:
            continue
        if provider.cancel(number, ref).outcome is Outcome.SUCCEEDED:
            _close(station_id, attempt_id, {"message": "closed with its order"})
            closed += 1
    return closed


def _close(station_id: int, attempt_id: int, values: dict[str, Any]) -> None:
    with main_scope(reason="payment query"):
        db.session.execute(
            update(PaymentAttempt)
            .where(
                PaymentAttempt.station_id == station_id,
                PaymentAttempt.id == attempt_id,
                PaymentAttempt.state.in_(("created", "sent", "unknown")),
            )
            .values(state="declined", closed_at=datetime.now(UTC), next_query_at=None, **values)
        )
        db.session.commit()
