"""A webhook: believed when time and signature are right, and then only as a reason to ask."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.suppliers import CallbackResult, PurchaseEvent
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

from .account import ReloadlyAccount
from .signing import genuine

FRESH_S = 300  # as the documents' own example checks it
MILLISECONDS = 10**11  # a time in seconds stays below this for three thousand years
TOPICS = frozenset({"airtime_transaction.status", "giftcard_transaction.status"})
RECEIVED = WebhookReply(status=200, body=b"received")


def read_notice(account: ReloadlyAccount, request: WebhookRequest, now: datetime) -> CallbackResult:
    """Raises `WebhookRefused`. Shapes differ between the products and no card comes along, so the
    one fact that is taken is our number: the transaction is asked for by it."""
    _check_signature(account, request, now)
    notice = _object(request.body)
    data = notice.get("data")
    number = (data if isinstance(data, dict) else notice).get("customIdentifier")
    if notice.get("type") not in TOPICS or not isinstance(number, str) or not 0 < len(number) <= 64:
        # Genuine, and about another service or something bought by hand over there.
        return CallbackResult(events=(), reply=RECEIVED)
    # The time is in a header, so a notice that is sent again has the same body.
    event_id = hashlib.sha256(request.body).hexdigest()
    event = PurchaseEvent(purchase_no=number, event_id=event_id, result=None)
    return CallbackResult(events=(event,), reply=RECEIVED)


def _check_signature(account: ReloadlyAccount, request: WebhookRequest, now: datetime) -> None:
    if request.method != "POST" or request.query:
        # The signature covers no query, and there is none.
        raise WebhookRefused("not a plain POST")
    timestamp = request.header("X-Reloadly-Request-Timestamp")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 14):
        raise WebhookRefused("no usable timestamp")
    sent = int(timestamp)
    # Seconds in the documents, milliseconds from clients in the wild.
    sent = sent // 1000 if sent >= MILLISECONDS else sent
    if abs(int(now.timestamp()) - sent) > FRESH_S:
        raise WebhookRefused("stale or future timestamp")
    secret = account.webhook_secret.reveal()
    if not genuine(request.header("X-Reloadly-Signature"), secret, request.body, timestamp):
        raise WebhookRefused("wrong signature")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body.decode(), object_pairs_hook=_once)
    except ValueError:
        raise WebhookRefused("the body is not JSON") from None
    if not isinstance(found, dict):
        raise WebhookRefused("the body is not an object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise WebhookRefused("a name is given twice")
    return dict(pairs)
