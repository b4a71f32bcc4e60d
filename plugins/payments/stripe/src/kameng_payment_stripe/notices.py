"""A webhook: believed when Stripe's signature, its time, the mode and the contents are right."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import stripe

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentEvent, PaymentEventKind, WebhookResult
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

from .account import StripeAccount

FRESH_SECONDS = 300
MOST_HEADER = 2000
RECEIVED = WebhookReply(status=200, body=b'{"received":true}', content_type="application/json")

Json = Mapping[str, Any]


def read_notice(account: StripeAccount, request: WebhookRequest, now: datetime) -> WebhookResult:
    """Raises `WebhookRefused`. Events that do not concern an attempt of ours are only taken."""
    if request.method != "POST":
        raise WebhookRefused("not a POST")
    _check_signature(account, request, now)
    event = _json_object(request.body)
    if event.get("object") != "event":
        raise WebhookRefused("not an event")
    if event.get("livemode") is not account.live:
        raise WebhookRefused("event of another mode")
    read = READERS.get(str(event.get("type")))
    thing = _part(_part(event, "data"), "object")
    found = read(event, thing) if read and _names_an_attempt(thing) else None
    return WebhookResult(events=(found,) if found else (), reply=RECEIVED)


def _check_signature(account: StripeAccount, request: WebhookRequest, now: datetime) -> None:
    header = request.header("stripe-signature")
    if not header or len(header) > MOST_HEADER:
        raise WebhookRefused("no usable signature header")
    try:
        # No tolerance: the client would use the machine's clock and let the future pass.
        stripe.WebhookSignature.verify_header(
            request.body, header, account.webhook_secret.reveal(), tolerance=None
        )
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        raise WebhookRefused("wrong signature") from None
    if abs(int(now.timestamp()) - _signed_time(header)) > FRESH_SECONDS:
        raise WebhookRefused("stale or future timestamp")


def _signed_time(header: str) -> int:
    times = [part.split("=")[1] for part in header.split(",") if part.startswith("t=")]
    if len(times) != 1:
        raise WebhookRefused("no single timestamp")
    return int(times[0])


def _session_paid(event: Json, session: Json) -> PaymentEvent | None:
    """`completed` also comes unpaid, for methods that take their time: then it says nothing."""
    if session.get("payment_status") != "paid":
        return None
    return _session_event(event, session, PaymentEventKind.PAID)


def _session_over(event: Json, session: Json) -> PaymentEvent | None:
    if session.get("payment_status") != "unpaid":
        raise WebhookRefused("over, and yet paid")
    return _session_event(event, session, PaymentEventKind.FAILED)


def _session_event(event: Json, session: Json, kind: PaymentEventKind) -> PaymentEvent:
    attempt_no = _text(session, "client_reference_id")
    if session.get("object") != "checkout.session" or session.get("mode") != "payment":
        raise WebhookRefused("not a payment session")
    if _part(session, "metadata").get("attempt_no") != attempt_no:
        raise WebhookRefused("metadata and reference differ")
    return PaymentEvent(
        kind=kind,
        attempt_no=attempt_no,
        provider_ref=_text(session, "id"),
        amount=_amount(session, "amount_total"),
        paid_at=_time(event),
        event_id=_text(event, "id"),
        fresh=True,
    )


def _charge_refunded(event: Json, charge: Json) -> PaymentEvent:
    """The amount is all that has gone back of this charge so far."""
    if charge.get("object") != "charge":
        raise WebhookRefused("not a charge")
    return PaymentEvent(
        kind=PaymentEventKind.REFUNDED,
        attempt_no=_text(_part(charge, "metadata"), "attempt_no"),
        provider_ref=_text(charge, "payment_intent"),
        amount=_amount(charge, "amount_refunded"),
        paid_at=_time(event),
        event_id=_text(event, "id"),
        fresh=True,
    )


READERS: Mapping[str, Callable[[Json, Json], PaymentEvent | None]] = {
    "checkout.session.completed": _session_paid,
    "checkout.session.async_payment_succeeded": _session_paid,
    "checkout.session.async_payment_failed": _session_over,
    "checkout.session.expired": _session_over,
    "charge.refunded": _charge_refunded,
}


def _names_an_attempt(thing: Json) -> bool:
    """The account may serve other shops too; what they sell carries none of our numbers."""
    metadata = thing.get("metadata")
    named = isinstance(metadata, dict) and "attempt_no" in metadata
    return named or thing.get("client_reference_id") is not None


def _amount(thing: Json, name: str) -> Money:
    amount = thing.get(name)
    if type(amount) is not int or amount <= 0:
        raise WebhookRefused(f"{name} is not a positive whole number")
    if thing.get("currency") != "cny":
        raise WebhookRefused("another currency")
    return Money.from_fen(amount)


def _time(event: Json) -> datetime:
    created = event.get("created")
    if type(created) is not int or not 0 < created < 10**11:
        raise WebhookRefused("event without a time")
    return datetime.fromtimestamp(created, UTC)


def _text(thing: Json, name: str) -> str:
    value = thing.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise WebhookRefused(f"{name} is missing")
    return value


def _part(thing: Json, name: str) -> Json:
    value = thing.get(name)
    if not isinstance(value, dict):
        raise WebhookRefused(f"{name} is missing")
    return value


def _json_object(body: bytes) -> Json:
    try:
        value = json.loads(body, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise WebhookRefused("body is not JSON") from None
    if not isinstance(value, dict):
        raise WebhookRefused("body is not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise WebhookRefused("a name is given twice")
    return values
