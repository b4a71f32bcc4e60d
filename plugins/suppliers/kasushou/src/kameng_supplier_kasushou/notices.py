"""Notices: an order has changed, goods have changed, an after-sales request was handled.

All come to one address and are signed with one key, so what a notice is, its fields must tell.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.suppliers import CallbackResult, PurchaseEvent
from kameng_sdk.webhooks import WebhookReply, WebhookRequest, single_values

from .account import KasushouAccount
from .signing import UNSIGNED, Literal, goods_notice_sign, order_notice_sign, php_json, same
from .values import text

# Five tries, 5 + 10 + 15 + 20 + 25 minutes apart; the documents do not say that each is signed
# anew. A copy can do no harm in that time: a notice only makes us ask.
OLDEST_S, NEWEST_S = 2 * 3600, 300
OK = WebhookReply(status=200, body=b"ok")


def read_notice(account: KasushouAccount, request: WebhookRequest, now: datetime) -> CallbackResult:
    """Raises `WebhookRefused`. No result is taken from a notice: its cards are not signed."""
    if request.method != "POST":
        raise WebhookRefused("not a POST")
    fields = _fields(request)
    key = account.key.reveal()
    sign = text(fields.get("sign"))
    if not sign:
        raise WebhookRefused("no signature")
    if "ordersn" not in fields:
        if not same(goods_notice_sign(fields, key), sign):
            raise WebhookRefused("wrong signature")
        _check_time(fields, now)
        _needed(fields, "id")
        return CallbackResult(events=(), reply=OK, offers_changed=True)
    if not same(order_notice_sign(fields, key), sign):
        raise WebhookRefused("wrong signature")
    _check_time(fields, now)
    return CallbackResult(events=_events(fields), reply=OK)


def _events(fields: Mapping[str, object]) -> tuple[PurchaseEvent, ...]:
    """None for an after-sales notice, which names no order of ours and has states of its own."""
    if "external_orderno" not in fields:
        return ()
    purchase_no = _needed(fields, "external_orderno")
    for name in ("ordersn", "status"):
        _needed(fields, name)
    # Tries may differ in their time; what they report is one thing.
    facts = {name: fields[name] for name in sorted(fields) if name not in UNSIGNED | {"time"}}
    digest = hashlib.sha256(php_json(facts).encode("utf-8", "replace")).hexdigest()
    return (PurchaseEvent(purchase_no=purchase_no, event_id=digest[:40], result=None),)


def _fields(request: WebhookRequest) -> dict[str, Any]:
    """A JSON object or a form: the documents show the fields and not how they are sent."""
    if not request.body.lstrip().startswith(b"{"):
        return dict(single_values(request.form_pairs()))
    try:
        fields = json.loads(
            request.body.decode(), object_pairs_hook=_once, parse_float=Literal,
            parse_constant=_never,
        )  # fmt: skip
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


def _never(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _check_time(fields: Mapping[str, object], now: datetime) -> None:
    """Milliseconds in the documents; some sites send seconds."""
    digits = text(fields.get("time"))
    if not (digits.isascii() and digits.isdecimal() and len(digits) in (10, 13)):
        raise WebhookRefused("no usable time")
    age = now.timestamp() - int(digits[:10])
    if not -NEWEST_S <= age <= OLDEST_S:
        raise WebhookRefused("stale or future time")


def _needed(fields: Mapping[str, object], name: str) -> str:
    value = text(fields.get(name))
    if not value:
        raise WebhookRefused(f"{name} is missing")
    return value
