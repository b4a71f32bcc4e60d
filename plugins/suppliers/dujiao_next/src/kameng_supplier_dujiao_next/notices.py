"""A notice of the site: believed when key, time and signature are all right."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import CallbackResult, PurchaseEvent
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

from .account import DujiaoAccount
from .orders import result_of
from .signing import genuine

FRESH_S = 60
# Sites sign this path whatever the address is that the order named.
SIGNED_PATH = "/api/v1/upstream/callback"
RECEIVED = WebhookReply(
    status=200, body=b'{"ok":true,"message":"received"}', content_type="application/json"
)


def read_notice(account: DujiaoAccount, request: WebhookRequest, now: datetime) -> CallbackResult:
    """Raises `WebhookRefused`. What ends an order without goods is asked for, not believed: a
    notice carries no sums, so it cannot say what came back."""
    _check_signature(account, request, now)
    order = _object(request.body)
    number, order_id = order.get("downstream_order_no"), order.get("order_id")
    if not isinstance(number, str) or not 0 < len(number) <= 64:
        raise WebhookRefused("downstream_order_no is missing or too long")
    if type(order_id) is not int or order_id < 1 or not isinstance(order.get("status"), str):
        raise WebhookRefused("order_id or status is missing")
    result = result_of(order)
    told = result.outcome in (Outcome.PENDING, Outcome.SUCCEEDED)
    event = PurchaseEvent(
        purchase_no=number,
        # Sent again it has another time in it; what it says of the order stays the same.
        event_id=_event_id(order),
        result=result if told else None,
        supplier_ref=str(order_id),
    )
    return CallbackResult(events=(event,), reply=RECEIVED)


def _check_signature(account: DujiaoAccount, request: WebhookRequest, now: datetime) -> None:
    if request.method != "POST" or request.query:
        # The signature does not cover a query, and sites send none.
        raise WebhookRefused("not a plain POST")
    key = request.header("Dujiao-Next-Api-Key")
    if not hmac.compare_digest(key.encode(), account.api_key.encode()):
        raise WebhookRefused("another connection's notice")
    timestamp = request.header("Dujiao-Next-Timestamp")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise WebhookRefused("no usable timestamp")
    if abs(int(now.timestamp()) - int(timestamp)) > FRESH_S:
        raise WebhookRefused("stale or future timestamp")
    given, secret = request.header("Dujiao-Next-Signature"), account.api_secret.reveal()
    if not genuine(given, secret, "POST", SIGNED_PATH, timestamp, request.body):
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


def _event_id(order: Mapping[str, Any]) -> str:
    said = {name: value for name, value in order.items() if name != "timestamp"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
