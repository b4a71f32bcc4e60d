"""A notice: believed only when signature, application, seller and form are all right.

Alipay repeats notices for a day and signs no fresh time: a copy is possible and must be harmless.
"""

import re

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentEvent, PaymentEventKind, WebhookResult
from kameng_sdk.webhooks import WebhookReply, WebhookRequest, single_values

from .account import AlipayAccount
from .signing import SIGN_TYPE, notice_text, verify
from .times import beijing_time

# Values may hold "&" and "=" unescaped under the signature, so names must not.
PLAIN_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
TRADE_NOTICE = "trade_status_sync"
PAID = ("TRADE_SUCCESS", "TRADE_FINISHED")
CLOSED = "TRADE_CLOSED"
SUCCESS = WebhookReply(status=200, body=b"success")


def read_notice(account: AlipayAccount, request: WebhookRequest) -> WebhookResult:
    """Raises `WebhookRefused`. The amount is reported as it stands: the core compares it."""
    params = _parameters(request)
    _check_signature(account, params)
    if params.get("app_id") != account.app_id:
        raise WebhookRefused("another application's notice")
    if params.get("notify_type") != TRADE_NOTICE:
        if "notify_type" not in params:
            raise WebhookRefused("no notice: notify_type is missing")
        return WebhookResult(events=(), reply=SUCCESS)
    if params.get("seller_id") != account.seller_id:
        raise WebhookRefused("another seller's notice")
    event = _event(params)
    return WebhookResult(events=(event,) if event else (), reply=SUCCESS)


def _parameters(request: WebhookRequest) -> dict[str, str]:
    if request.method != "POST" or request.query:
        raise WebhookRefused("a notice is a form, sent by POST")
    params = single_values(request.form_pairs())
    if not params:
        raise WebhookRefused("no parameters")
    if not all(PLAIN_NAME.fullmatch(name) for name in params):
        raise WebhookRefused("a parameter with an odd name")
    return params


def _check_signature(account: AlipayAccount, params: dict[str, str]) -> None:
    # The sign_type is not signed, so it chooses nothing: RSA (SHA-1) is not even tried.
    if params.get("sign_type") != SIGN_TYPE:
        raise WebhookRefused("another signature type than RSA2")
    if not params.get("sign"):
        raise WebhookRefused("no signature")
    if not verify(notice_text(params), account.alipay_key, params["sign"]):
        raise WebhookRefused("wrong signature")


def _event(params: dict[str, str]) -> PaymentEvent | None:
    """After a refund the notice still says TRADE_SUCCESS, after the last one TRADE_CLOSED."""
    status = _needed(params, "trade_status")
    attempt_no, trade_no = _needed(params, "out_trade_no"), _needed(params, "trade_no")
    total = _amount(params, "total_amount")
    if _tells_of_a_refund(params):
        if status not in (*PAID, CLOSED):
            raise WebhookRefused("a refund of what is not paid")
        return _refunded(params, attempt_no, trade_no)
    if status in PAID:
        kind, word = PaymentEventKind.PAID, "paid"
    elif status == CLOSED and not params.get("gmt_payment"):
        kind, word = PaymentEventKind.FAILED, "closed"
    else:
        return None
    return PaymentEvent(
        kind=kind,
        attempt_no=attempt_no,
        provider_ref=trade_no,
        amount=total,
        paid_at=beijing_time(params.get("gmt_payment", "")),
        # TRADE_SUCCESS and, months later, TRADE_FINISHED report the same payment.
        event_id=f"{trade_no}:{word}",
    )


def _refunded(params: dict[str, str], attempt_no: str, trade_no: str) -> PaymentEvent:
    """The amount is all that has gone back of this trade so far."""
    amount = _amount(params, "refund_fee")
    refund_no = params.get("out_biz_no", "")
    if len(refund_no) > 64:
        raise WebhookRefused("out_biz_no is too long")
    return PaymentEvent(
        kind=PaymentEventKind.REFUNDED,
        attempt_no=attempt_no,
        provider_ref=trade_no,
        amount=amount,
        paid_at=beijing_time(params.get("gmt_refund", "").partition(".")[0]),
        event_id=f"{trade_no}:refund:{refund_no or amount.amount}",
        refund_no=refund_no,
    )


def _tells_of_a_refund(params: dict[str, str]) -> bool:
    fee = params.get("refund_fee", "")
    return bool(params.get("gmt_refund")) or bool(fee and fee.strip("0."))


def _amount(params: dict[str, str], name: str) -> Money:
    try:
        money = Money.parse(params.get(name, ""))
        money.to_fen()
    except ValueError:
        raise WebhookRefused(f"{name} is not whole fen") from None
    if money <= Money.zero():
        raise WebhookRefused(f"{name} is not positive")
    return money


def _needed(params: dict[str, str], name: str) -> str:
    value = params.get(name, "")
    if not value or len(value) > 64:
        raise WebhookRefused(f"{name} is missing or too long")
    return value
