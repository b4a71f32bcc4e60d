"""A payment notice: believed only when account, signature, time and form are all right."""

import re
from datetime import datetime

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentEvent, PaymentEventKind, WebhookResult
from kameng_sdk.webhooks import WebhookReply, WebhookRequest, single_values

from .account import EpayAccount
from .signing import md5_verify, rsa_verify

FRESH_SECONDS = 300
# Values may hold "&" and "=" unescaped under the signature, so names must not.
PLAIN_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
REQUEST_ONLY = frozenset({"notify_url", "return_url"})
SUCCESS = WebhookReply(status=200, body=b"success")


def read_notice(account: EpayAccount, request: WebhookRequest, now: datetime) -> WebhookResult:
    """Raises `WebhookRefused`. The amount is reported as it stands: the core compares it."""
    params = _parameters(request)
    _check_signature(account, params)
    if params.get("pid") != account.pid:
        raise WebhookRefused("another merchant's notice")
    fresh = account.version == "v2"
    if fresh:
        _check_time(params.get("timestamp", ""), now)
    if params.get("trade_status") != "TRADE_SUCCESS":
        return WebhookResult(events=(), reply=SUCCESS)
    trade_no = _needed(params, "trade_no")
    event = PaymentEvent(
        kind=PaymentEventKind.PAID,
        attempt_no=_needed(params, "out_trade_no"),
        provider_ref=trade_no,
        amount=_amount(params.get("money", "")),
        paid_at=None,
        # Copies differ in their timestamp; what they report is one payment.
        event_id=f"{trade_no}:TRADE_SUCCESS",
        fresh=fresh,
    )
    return WebhookResult(events=(event,), reply=SUCCESS)


def _parameters(request: WebhookRequest) -> dict[str, str]:
    """Query and form together: what is given in both is given twice, and refused."""
    pairs = request.query_pairs()
    if request.method == "POST":
        pairs += request.form_pairs()
    params = single_values(pairs)
    if not params:
        raise WebhookRefused("no parameters")
    if not all(PLAIN_NAME.fullmatch(name) for name in params):
        raise WebhookRefused("a parameter with an odd name")
    # Version 1 signs our requests and the gateway's notices with one key, and a shopper holds the
    # request: it is the address of the cashier. What belongs into requests is no notice.
    if not REQUEST_ONLY.isdisjoint(params):
        raise WebhookRefused("our own request came back")
    return params


def _check_signature(account: EpayAccount, params: dict[str, str]) -> None:
    sign = params.get("sign", "")
    if not sign:
        raise WebhookRefused("no signature")
    # The sign_type is not signed, so it chooses nothing: it may only confirm what is configured.
    if params.get("sign_type", account.sign_type).upper() != account.sign_type.upper():
        raise WebhookRefused("another signature type than configured")
    if account.version == "v1":
        genuine = md5_verify(params, account.key.reveal(), sign)
    else:
        genuine = rsa_verify(params, account.platform_key, sign)
    if not genuine:
        raise WebhookRefused("wrong signature")


def _check_time(timestamp: str, now: datetime) -> None:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise WebhookRefused("no usable timestamp")
    if abs(int(now.timestamp()) - int(timestamp)) > FRESH_SECONDS:
        raise WebhookRefused("stale or future timestamp")


def _amount(text: str) -> Money:
    try:
        money = Money.parse(text)
        money.to_fen()
    except ValueError:
        raise WebhookRefused("amount is not whole fen") from None
    if money <= Money.zero():
        raise WebhookRefused("amount is not positive")
    return money


def _needed(params: dict[str, str], name: str) -> str:
    value = params.get(name, "")
    if not value or len(value) > 64:
        raise WebhookRefused(f"{name} is missing or too long")
    return value
