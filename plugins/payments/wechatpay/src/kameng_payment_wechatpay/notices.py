"""A notice: believed when signature, time, seal, account and contents are all right."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentEvent, PaymentEventKind, WebhookResult
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

from .account import WechatAccount
from .documents import Json, Unreadable, fen_of, part_of, read_object, text_of
from .signing import BadSignature, check_signed, open_sealed

SUCCESS = WebhookReply(
    status=200,
    body='{"code":"SUCCESS","message":"成功"}'.encode(),
    content_type="application/json",
)


def read_notice(account: WechatAccount, request: WebhookRequest, now: datetime) -> WebhookResult:
    """Raises `WebhookRefused`. Verified notices of other kinds are taken and mean nothing."""
    if request.method != "POST" or request.query:
        raise WebhookRefused("not posted to the bare address")
    try:
        check_signed(request.headers, request.body, account.platform_keys, now)
        notice = read_object(request.body)
        read = READERS.get(text_of(notice, "event_type"))
        event = read(account, _resource(account, notice)) if read else None
    except (BadSignature, Unreadable) as error:
        raise WebhookRefused(str(error)) from None
    return WebhookResult(events=(event,) if event else (), reply=SUCCESS)


def _resource(account: WechatAccount, notice: Json) -> Json:
    """What the notice is about: sealed, so that only the merchant can read it."""
    if notice.get("resource_type") != "encrypt-resource":
        raise WebhookRefused("resource of another type")
    resource = part_of(notice, "resource")
    if resource.get("algorithm") != "AEAD_AES_256_GCM":
        raise WebhookRefused("resource sealed by another algorithm")
    data = resource.get("associated_data", "")
    if not isinstance(data, str):
        raise WebhookRefused("associated_data is no text")
    opened = open_sealed(
        account.api_v3_key.reveal(),
        text_of(resource, "nonce", 64),
        data,
        text_of(resource, "ciphertext", 1_048_576),
    )
    thing = read_object(opened)
    if thing.get("mchid") != account.mchid:
        raise WebhookRefused("another merchant's notice")
    return thing


def _paid(account: WechatAccount, trade: Json) -> PaymentEvent:
    if trade.get("appid") != account.appid:
        raise WebhookRefused("another app's notice")
    if trade.get("trade_state") != "SUCCESS":
        raise WebhookRefused("a notice of success about another state")
    number = text_of(trade, "transaction_id", 64)
    return PaymentEvent(
        kind=PaymentEventKind.PAID,
        attempt_no=text_of(trade, "out_trade_no", 64),
        provider_ref=number,
        amount=order_total(trade),
        paid_at=moment_of(trade, "success_time"),
        # Copies may carry ids of their own; what they report is one payment.
        event_id=f"{number}:TRANSACTION.SUCCESS",
        fresh=True,
    )


def _refunded(account: WechatAccount, refund: Json) -> PaymentEvent:
    """Notices of refunds name neither app nor currency."""
    if refund.get("refund_status") != "SUCCESS":
        raise WebhookRefused("a notice of success about another state")
    amount = part_of(refund, "amount")
    if amount.get("currency", "CNY") != "CNY":
        raise WebhookRefused("another currency")
    number = text_of(refund, "refund_id", 64)
    return PaymentEvent(
        kind=PaymentEventKind.REFUNDED,
        attempt_no=text_of(refund, "out_trade_no", 64),
        provider_ref=text_of(refund, "transaction_id", 64),
        amount=Money.from_fen(fen_of(amount, "refund")),
        paid_at=moment_of(refund, "success_time"),
        event_id=f"{number}:REFUND.SUCCESS",
        fresh=True,
        refund_no=text_of(refund, "out_refund_no", 64),
    )


# REFUND.CLOSED and REFUND.ABNORMAL moved no money: the host asks about its refunds anyway.
READERS: Mapping[str, Callable[[WechatAccount, Json], PaymentEvent]] = {
    "TRANSACTION.SUCCESS": _paid,
    "REFUND.SUCCESS": _refunded,
}


def order_total(trade: Json) -> Money:
    """What the order cost. With WeChat's coupons the payer paid less; the shop gets the total.

    Raises Unreadable.
    """
    amount = part_of(trade, "amount")
    if amount.get("currency") != "CNY" or amount.get("payer_currency", "CNY") != "CNY":
        raise Unreadable("another currency")
    total, paid = fen_of(amount, "total"), amount.get("payer_total", 0)
    if type(paid) is not int or not 0 <= paid <= total:
        raise Unreadable("payer_total is not within the total")
    return Money.from_fen(total)


def moment_of(thing: Json, name: str) -> datetime | None:
    """A time with its zone, as UTC; None when there is none. Raises Unreadable."""
    if not thing.get(name):
        return None
    try:
        moment = datetime.fromisoformat(text_of(thing, name, 40))
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(f"{name} is not a time") from None
