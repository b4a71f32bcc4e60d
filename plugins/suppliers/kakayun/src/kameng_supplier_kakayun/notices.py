"""Notices: JSON, signed as requests are, lists and all. What is old is only a hint to ask."""

import hashlib
import json
from datetime import datetime
from typing import Any

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.suppliers import CallbackResult, PurchaseEvent, PurchaseResult
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

from . import reading
from .account import KakayunAccount
from .signing import verify

MOST_BYTES = 256 * 1024
FRESH_S = 300  # the window of the papers
# They repeat 5, 10, 15, 20 and 25 minutes later, and do not say whether with a new time.
OLDEST_S = 2 * 3600
OK = WebhookReply(body=b"ok")
FACTS = ("orderno", "usorderno", "status", "refundstatus", "refundmoney")


def parse(account: KakayunAccount, now: datetime, request: WebhookRequest) -> CallbackResult:
    """Verify and translate. Raises `WebhookRefused`."""
    if request.method != "POST" or request.query:
        raise WebhookRefused("notices come as a plain POST")
    notice = _signed(account, request.body)
    age_s = _age_s(notice, now)
    purchase_no = reading.text(notice, "usorderno")
    if purchase_no:
        event = PurchaseEvent(
            purchase_no=purchase_no,
            event_id=_event_id(notice),
            result=_result(notice) if age_s is not None and age_s <= FRESH_S else None,
        )
        return CallbackResult(events=(event,), reply=OK)
    if reading.text(notice, "goodsid"):
        return CallbackResult(events=(), reply=OK, offers_changed=True)
    raise WebhookRefused("neither an order of ours nor goods")


def _signed(account: KakayunAccount, body: bytes) -> dict[str, Any]:
    """The notice, whose signature is right. Amounts are read once more, exactly."""
    if len(body) > MOST_BYTES:
        raise WebhookRefused("too long")
    try:
        as_signed = json.loads(body, object_pairs_hook=_single)
        exact = json.loads(body, parse_float=str)
    except (ValueError, RecursionError):
        raise WebhookRefused("body is not JSON") from None
    if not isinstance(as_signed, dict):
        raise WebhookRefused("body is no object")
    given = as_signed.get("sign")
    if not isinstance(given, str) or not given:
        raise WebhookRefused("not signed")
    try:
        right = verify(as_signed, account.key.reveal(), given)
    except UnicodeEncodeError:
        raise WebhookRefused("body is not text") from None
    if not right:
        raise WebhookRefused("wrong signature")
    return dict(exact)


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise WebhookRefused("a parameter is given twice")
    return dict(pairs)


def _age_s(notice: dict[str, Any], now: datetime) -> float | None:
    """None when there is no time in it (the papers' example has none)."""
    stamp = reading.text(notice, "timestamp")
    if not stamp:
        return None
    if not stamp.isdecimal() or len(stamp) > 12:
        raise WebhookRefused("the time is no number")
    age_s = now.timestamp() - int(stamp)
    if not -FRESH_S <= age_s <= OLDEST_S:
        raise WebhookRefused("too old, or from the future")
    return age_s


def _event_id(notice: dict[str, Any]) -> str:
    """By the facts, not by the time: a repetition may carry a new one."""
    facts = "\n".join(reading.text(notice, name) for name in FACTS)
    return hashlib.sha256(facts.encode()).hexdigest()


def _result(notice: dict[str, Any]) -> PurchaseResult | None:
    try:
        return reading.result(notice)
    except ValueError:
        return None  # it is theirs, and unreadable: ask
