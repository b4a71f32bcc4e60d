"""A back notice: believed when UnionPay's key has signed it and it is about our account.

It carries no time that is now, so a copy can be replayed and must be harmless.
"""

import re
from datetime import datetime

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentEvent, PaymentEventKind, WebhookResult
from kameng_sdk.webhooks import WebhookReply, WebhookRequest, single_values

from .account import UnionpayAccount
from .amounts import from_fen
from .certificates import BadCertificate
from .references import is_query_id
from .signing import RSA, VERSION, verify
from .states import CNY, PAID, PAYMENT
from .times import moment, without_year

PLAIN_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
OK = WebhookReply(status=200, body=b"ok")


def read_notice(account: UnionpayAccount, request: WebhookRequest, now: datetime) -> WebhookResult:
    """Raises `WebhookRefused`. The amount is reported as it stands: the core compares it."""
    fields = _fields(request)
    _check_signature(account, fields, now)
    if fields.get("merId") != account.mer_id:
        raise WebhookRefused("another merchant's notice")
    if fields.get("currencyCode") != CNY:
        raise WebhookRefused("another currency")
    # Refunds are asked about, since their notice does not name the payment's attempt.
    if fields.get("txnType") != PAYMENT or fields.get("respCode") not in PAID:
        return WebhookResult(events=(), reply=OK)
    query_id = fields.get("queryId", "")
    if not is_query_id(query_id):
        raise WebhookRefused("no usable query number")
    event = PaymentEvent(
        kind=PaymentEventKind.PAID,
        attempt_no=_order_id(fields),
        provider_ref=query_id,
        amount=_amount(fields),
        paid_at=paid_at(fields),
        event_id=f"{query_id}:{PAYMENT}",
    )
    return WebhookResult(events=(event,), reply=OK)


def paid_at(fields: dict[str, str]) -> datetime | None:
    """When the money moved, of a notice or an answer: it tells no year of its own."""
    sent = moment(fields.get("txnTime", ""))
    return without_year(fields.get("traceTime", ""), sent.date()) if sent else None


def _fields(request: WebhookRequest) -> dict[str, str]:
    if request.method != "POST":
        raise WebhookRefused("not a POST")
    fields = single_values(request.form_pairs())
    if not fields:
        raise WebhookRefused("no fields")
    if not all(PLAIN_NAME.fullmatch(name) for name in fields):
        raise WebhookRefused("a field with an odd name")
    return fields


def _check_signature(account: UnionpayAccount, fields: dict[str, str], now: datetime) -> None:
    # Other versions and methods (a shared word, SHA-1) are weaker: nobody may choose them for us.
    if fields.get("version") != VERSION or fields.get("signMethod") != RSA:
        raise WebhookRefused("another version or kind of signature")
    try:
        key = account.trust.key_of(fields, now)
    except BadCertificate as error:
        raise WebhookRefused(f"certificate: {error}") from None
    if not verify(fields, key):
        raise WebhookRefused("wrong signature")


def _order_id(fields: dict[str, str]) -> str:
    order_id = fields.get("orderId", "")
    if not 0 < len(order_id) <= 40:
        raise WebhookRefused("orderId is missing or too long")
    return order_id


def _amount(fields: dict[str, str]) -> Money:
    try:
        return from_fen(fields.get("txnAmt", ""))
    except ValueError:
        raise WebhookRefused("amount is not a positive number of fen") from None
