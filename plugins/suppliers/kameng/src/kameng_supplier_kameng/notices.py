"""A notice of the other Kameng: believed when time and signature are right, and never for goods."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.suppliers import CallbackResult, PurchaseEvent
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

from .account import KamengAccount
from .signing import WINDOW_S, genuine_notice

RECEIVED = WebhookReply(status=200, body=b"ok")
MOST_TEXT = 128


def read_notice(account: KamengAccount, request: WebhookRequest, now: datetime) -> CallbackResult:
    """Raises `WebhookRefused`. Notices hold no cards: the host asks about the order."""
    message_id = _check_signature(account, request, now)
    notice = _object(request.body)
    kind, data = notice.get("type"), notice.get("data")
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise WebhookRefused("type or data is missing")
    if not kind.startswith("order.") or data.get("merchant_order_no") == "":
        # Something else, or an order that a person has placed there: nothing of ours.
        return CallbackResult(events=(), reply=RECEIVED)
    event = PurchaseEvent(
        purchase_no=_text(data, "merchant_order_no"), event_id=message_id, result=None,
        supplier_ref=_text(data, "order_no"),
    )  # fmt: skip
    return CallbackResult(events=(event,), reply=RECEIVED)


def _check_signature(account: KamengAccount, request: WebhookRequest, now: datetime) -> str:
    """The message's id."""
    if request.method != "POST" or request.query:
        # The signature does not cover a query, and none is sent.
        raise WebhookRefused("not a plain POST")
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    message_id, timestamp, given = (request.header(name) for name in names)
    if not 0 < len(message_id) <= MOST_TEXT:
        raise WebhookRefused("webhook-id is missing or too long")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise WebhookRefused("no usable timestamp")
    if abs(int(now.timestamp()) - int(timestamp)) > WINDOW_S:
        raise WebhookRefused("stale or future timestamp")
    key = account.secret.reveal().encode()
    if not genuine_notice(given, key, message_id, timestamp, request.body):
        raise WebhookRefused("wrong signature")
    return message_id


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


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MOST_TEXT:
        raise WebhookRefused(f"{name} is missing or too long")
    return value
