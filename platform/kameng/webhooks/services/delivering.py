"""Send one delivery once, and write down what came of it."""

from __future__ import annotations

import logging
import random
import traceback
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from kameng.db import db, station_scope
from kameng.webhooks.domain.outgoing import Outgoing
from kameng.webhooks.domain.signing import secret_text
from kameng.webhooks.domain.trying import (
    delay_s,
    has_failed_too_long,
    is_success,
    pause_s,
    verdict,
)
from kameng.webhooks.services.claiming import Try, end, take
from kameng.webhooks.services.endpoints import drop_due
from kameng.webhooks.services.formats import STANDARD, formats, schedule_of, standard_request
from kameng.webhooks.services.sealing import unseal
from kameng.webhooks.services.sending import Answered, send

log = logging.getLogger("kameng.webhooks")

_TRY = text(
    "INSERT INTO webhook_try(station_id, delivery_id, status, elapsed_ms, answer)"
    " VALUES (:station, :id, :status, :elapsed, :answer)"
)
_NEXT = text(
    "UPDATE webhook_delivery SET next_try_at = now() + make_interval(secs => :wait)"
    " WHERE station_id = :station AND id = :id AND state = 'due'"
)
# A busy endpoint's row is written now and then only: it would be what all deliveries wait for.
_TOOK = text(
    "UPDATE webhook_endpoint SET last_ok_at = now(), failing_since = NULL"
    " WHERE station_id = :station AND id = :endpoint AND (failing_since IS NOT NULL"
    "  OR last_ok_at IS NULL OR last_ok_at < now() - interval '10 seconds')"
)
_FAILED = text(
    "UPDATE webhook_endpoint SET failing_since = coalesce(failing_since, now())"
    " WHERE station_id = :station AND id = :endpoint AND state = 'active' RETURNING failing_since"
)
_STOP = text(
    "UPDATE webhook_endpoint SET state = :state, reason = :reason"
    " WHERE station_id = :station AND id = :endpoint AND state = 'active'"
)


def send_delivery(station_id: int, delivery_id: int, tries: int) -> str:
    """Make the try after so many; returns what the delivery is now. Opens its own scopes.

    The try is counted first and its end is noted last: a worker that dies in between leaves it to
    the sweeper, and the receiver gets the same webhook-id again.
    """
    one = take(station_id, delivery_id, tries)
    if one is None:
        return "over"
    try:
        outgoing = _build(one)
    except Exception as error:
        # Dialects and sealed secrets can fail in many ways; the delivery must go on being tried.
        _log_where(error, one)
        answered = Answered(0, 0, f"not sent: {type(error).__name__}")
    else:
        if outgoing is None:
            return _drop(one)
        answered = send(outgoing, one.facts.url)
    return _note(one, answered)


def _log_where(error: Exception, one: Try) -> None:
    """Where it broke; not what it says, for that may quote a card."""
    frames = traceback.extract_tb(error.__traceback__)
    log.error(
        "webhook delivery %d of station %d cannot be built: %s at %s", one.delivery_id,
        one.station_id, type(error).__name__, f"{frames[-1].name}:{frames[-1].lineno}",
    )  # fmt: skip


def _build(one: Try) -> Outgoing | None:
    """The request; its scope is closed again, and with it every transaction of the dialect."""
    if one.format == STANDARD:
        owner = one.station_id, one.member_id
        secrets = [secret_text(unseal(*owner, sealed)) for sealed in one.sealed]
        return standard_request(one.facts, secrets)
    known = formats.find(one.format)
    if known is None:
        raise LookupError(f"format {one.format} is not known here")
    with station_scope(one.station_id):
        return known.build(one.facts)


def _drop(one: Try) -> str:
    with station_scope(one.station_id):
        end(one.station_id, one.delivery_id, "dropped")
        db.session.commit()
    return "dropped"


def _note(one: Try, answered: Answered) -> str:
    """Log the try and move the delivery and its endpoint on, in one transaction."""
    given = {"station": one.station_id, "id": one.delivery_id, "endpoint": one.endpoint_id}
    what = verdict(answered.status, _accepts(one.format, answered))
    with station_scope(one.station_id):
        db.session.execute(
            _TRY,
            {
                **given, "status": answered.status, "elapsed": answered.elapsed_ms,
                "answer": answered.text,
            },
        )  # fmt: skip
        if what == "delivered":
            end(one.station_id, one.delivery_id, "delivered")
            db.session.execute(_TOOK, given)
            state = "delivered"
        else:
            state = _put_off(one, answered, given, gone=what == "gone")
        db.session.commit()
    log.info(
        "webhook delivery %d of station %d, try %d: %d, %s",
        one.delivery_id, one.station_id, one.number, answered.status, state,
    )  # fmt: skip
    return state


def _accepts(name: str, answered: Answered) -> bool:
    known = formats.find(name)
    return (known.accepts if known else is_success)(answered.status, answered.body)


def _put_off(one: Try, answered: Answered, given: dict[str, Any], *, gone: bool) -> str:
    """Plan the next try, or end it; an endpoint that is gone or fails for days gets no more."""
    if gone:
        end(one.station_id, one.delivery_id, "dropped")
        _stop(one, given, "gone", "gone")
        return "dropped"
    now = datetime.now(UTC)
    wait = delay_s(schedule_of(one.format), one.number, random.random())
    if wait is None:
        end(one.station_id, one.delivery_id, "failed")
    else:
        asked = pause_s(answered.status, answered.retry_after, now) or 0
        db.session.execute(_NEXT, {**given, "wait": max(wait, asked)})
    if one.endpoint_id is not None and has_failed_too_long(db.session.scalar(_FAILED, given), now):
        _stop(one, given, "paused", "failing")
    return "failed" if wait is None else "due"


def _stop(one: Try, given: dict[str, Any], state: str, reason: str) -> None:
    if one.endpoint_id is not None:
        db.session.execute(_STOP, {**given, "state": state, "reason": reason})
        drop_due(one.endpoint_id)
