"""Notices: an order has changed, goods have changed, a complaint was answered.

All are signed in the headers over the raw body, by the same rule and key as our own requests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kameng_sdk.errors import HttpOutcomeUnknown, WebhookRefused
from kameng_sdk.suppliers import CallbackResult, PurchaseEvent, PurchaseResult
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

from .account import KayixinAccount
from .orders import result_of
from .signing import VERSION, BadCards, open_cards, same, sign
from .values import text

FRESH_S = 300
OK = WebhookReply(status=200, body=b"ok")
GOODS_CHANGES = frozenset({"money", "status", "skus", "specs"})
REQUEST_ONLY = frozenset({"count", "notifyUrl", "attach", "safePrice"})


def read_notice(account: KayixinAccount, request: WebhookRequest, now: datetime) -> CallbackResult:
    """Raises `WebhookRefused`."""
    _check_signature(account, request)
    _check_time(request.header("x-timestamp"), now)
    fields = _fields(request.body)
    # What we send is signed alike: our own request, sent back to us, says nothing.
    if not REQUEST_ONLY.isdisjoint(fields):
        raise WebhookRefused("our own request came back")
    if "reqId" in fields:  # a complaint; its states are not those of an order
        return CallbackResult(events=(), reply=OK)
    if "orderNumber" in fields and "status" in fields:
        return CallbackResult(events=_events(account, fields, request.body), reply=OK)
    if "goodsId" in fields and not GOODS_CHANGES.isdisjoint(fields):
        return CallbackResult(events=(), reply=OK, offers_changed=True)
    raise WebhookRefused("neither order nor goods nor complaint")


def _events(
    account: KayixinAccount, fields: Mapping[str, object], body: bytes
) -> tuple[PurchaseEvent, ...]:
    """None for an order that was placed by hand, without a number of ours."""
    purchase_no = text(fields.get("outerNumber"))
    if not purchase_no:
        return ()
    # The time stands in the header, so that every try has the same body.
    event_id = hashlib.sha256(body).hexdigest()[:40]
    result = _result(account, fields)
    return (PurchaseEvent(purchase_no=purchase_no, event_id=event_id, result=result),)


def _result(account: KayixinAccount, fields: Mapping[str, object]) -> PurchaseResult | None:
    """None: ask. A done order without cards may be a top-up, or one whose cards are to come."""
    sealed = text(fields.get("cards"), 10_000_000)
    if not sealed and text(fields.get("status")) in ("3", "9"):
        return None
    try:
        cards = open_cards(sealed, account.secret.reveal()) if sealed else []
        return result_of(fields, cards)
    except (BadCards, HttpOutcomeUnknown):
        return None


def _check_signature(account: KayixinAccount, request: WebhookRequest) -> None:
    if request.method != "POST":
        raise WebhookRefused("not a POST")
    if request.header("x-app-id") != account.app_id:
        raise WebhookRefused("another customer's notice")
    if request.header("x-version") != VERSION:
        raise WebhookRefused("another version")
    timestamp = request.header("x-timestamp")
    # Digits only, or the end of the time could be the beginning of the body.
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) in (10, 13)):
        raise WebhookRefused("no usable time")
    ours = sign(account.app_id, account.secret.reveal(), timestamp, request.body)
    if not same(ours, request.header("x-signature")):
        raise WebhookRefused("wrong signature")


def _check_time(timestamp: str, now: datetime) -> None:
    if abs(now.timestamp() - int(timestamp[:10])) > FRESH_S:
        raise WebhookRefused("stale or future time")


def _fields(body: bytes) -> dict[str, Any]:
    """Strict, because MD5 lets a stranger append to a signed text, but nothing that is JSON."""
    try:
        fields = json.loads(body.decode(), object_pairs_hook=_once, parse_float=str)
    except (ValueError, RecursionError):
        raise WebhookRefused("body cannot be read") from None
    if not isinstance(fields, dict):
        raise WebhookRefused("body is no object")
    return fields


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise WebhookRefused("a parameter is given twice")
    return fields
