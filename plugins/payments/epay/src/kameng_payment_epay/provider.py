"""The payment provider: one class for both versions, since only transport and refunds differ."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

from kameng_sdk.context import CallContext
from kameng_sdk.errors import CapabilityNotSupported, Declined, HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import (
    BasePaymentProvider,
    ChargeRequest,
    ChargeResult,
    Device,
    PaymentCapability,
    PaymentMethod,
    QueryResult,
    RefundRequest,
    RefundResult,
    WebhookResult,
)
from kameng_sdk.webhooks import WebhookRequest

from .account import EpayAccount
from .client import Answer, call_v1, call_v2, submit_url_v1
from .notices import read_notice

LABELS = {
    "alipay": ("支付宝", "scan"),
    "wxpay": ("微信支付", "message-circle"),
    "qqpay": ("QQ 钱包", "message-circle"),
    "bank": ("云闪付", "building-bank"),
    "jdpay": ("京东支付", "credit-card"),
}
# What a direct gateway calls the same wallet, so that the shopper sees it once.
SAME_AS = {"alipay": "alipay", "wxpay": "wechatpay"}
# Each of the two wallets blocks the other's pages in its own browser.
DEVICES = {
    "alipay": frozenset({Device.DESKTOP, Device.PHONE, Device.ALIPAY}),
    "wxpay": frozenset({Device.DESKTOP, Device.PHONE, Device.WECHAT}),
}
MOST_NAME_BYTES = 127
BEIJING = timezone(timedelta(hours=8))

UNPAID, PAID, REFUNDED = "0", "1", "2"


class EpayProvider(BasePaymentProvider):
    """One merchant account at one epay gateway."""

    def __init__(self, account: EpayAccount) -> None:
        self._account = account
        self._v2 = account.version == "v2"

    @property
    def capabilities(self) -> PaymentCapability:
        """Version 1 knows no partial refund that could be repeated safely, and no closing."""
        common = (
            PaymentCapability.QUERY
            | PaymentCapability.REFUND
            | PaymentCapability.WEBHOOK
            | PaymentCapability.REDIRECT
            | PaymentCapability.QR
        )
        if self._v2:
            return common | PaymentCapability.PARTIAL_REFUND | PaymentCapability.CANCEL
        return common

    def methods(self) -> Sequence[PaymentMethod]:
        """The configured ways, in the configured order. Version 1 is asked nothing by a charge."""
        return [_method(code, offline=not self._v2) for code in self._account.methods]

    def charge(self, ctx: CallContext, request: ChargeRequest) -> ChargeResult:
        """Version 1 only builds a signed address; version 2 has the gateway open the order."""
        params = self._order_params(request)
        if not self._v2:
            url = submit_url_v1(self._account, params)
            return ChargeResult(outcome=Outcome.PENDING, redirect_url=url, qr_content=url)
        extra = {"method": "jump", "clientip": request.client_ip}
        answer = call_v2(ctx, self._account, "pay/create", params | extra)
        # A refusal need not be signed: without a page to pay on, nothing can be paid.
        if not answer.ok:
            raise Declined("refused", answer.message)
        return _page_to_pay(answer)

    def _order_params(self, request: ChargeRequest) -> dict[str, str]:
        if request.method not in self._account.methods:
            raise Declined("method", "this way to pay is not configured")
        return {
            "type": request.method,
            "out_trade_no": request.attempt_no,
            "notify_url": request.notify_url,
            "return_url": request.return_url,
            "name": _shortened(request.subject) or request.attempt_no,
            "money": _yuan(request.amount),
        }

    def query(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> QueryResult:
        """By our own number, which exists at the gateway once the shopper has been there."""
        answer = self._ask(ctx, {"out_trade_no": attempt_no})
        if not (answer.ok and answer.proven):
            return QueryResult(outcome=Outcome.UNKNOWN, message=answer.message)
        same = answer.text("pid") in ("", self._account.pid)
        if not same or answer.text("out_trade_no") != attempt_no:
            return QueryResult(outcome=Outcome.UNKNOWN, message="answer about another order")
        return _state_of(answer)

    def refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """Version 2 repeats safely by number; version 1 looks first whether it is done."""
        if self._v2:
            return self._refund_v2(ctx, request)
        if request.amount != request.total:
            raise CapabilityNotSupported("partial_refund")
        return self._refund_v1(ctx, request)

    def _refund_v1(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        before = self._ask(ctx, _which(request))
        if not _about(before, request):
            return RefundResult(outcome=Outcome.UNKNOWN, message="answer about another payment")
        if not before.ok or before.text("status") not in (PAID, REFUNDED):
            return RefundResult(outcome=Outcome.UNKNOWN, message=before.message)
        if before.text("status") == REFUNDED:
            return RefundResult(outcome=Outcome.SUCCEEDED, message="was refunded already")
        params = _which(request) | {"money": _yuan(request.amount)}
        answer = call_v1(ctx, self._account, "refund", params)
        if not answer.ok:
            return RefundResult(outcome=Outcome.UNKNOWN, message=answer.message)
        return RefundResult(outcome=Outcome.SUCCEEDED)

    def _refund_v2(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        params = _which(request) | {
            "money": _yuan(request.amount),
            "out_refund_no": request.refund_no,
        }
        answer = call_v2(ctx, self._account, "pay/refund", params)
        if not answer.ok:
            return _refusal(answer)
        # Accepted is not done: only the refund query says that the money has moved.
        try:
            return self.query_refund(ctx, request)
        except HttpOutcomeUnknown:
            return RefundResult(outcome=Outcome.PENDING, provider_ref=answer.text("refund_no"))

    def query_refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """Version 1 has refund state in the order only; "not refunded" proves nothing there."""
        if not self._v2:
            order = self._ask(ctx, _which(request))
            done = _about(order, request) and order.text("status") == REFUNDED
            return RefundResult(outcome=Outcome.SUCCEEDED if done else Outcome.UNKNOWN)
        number = {"out_refund_no": request.refund_no}
        answer = call_v2(ctx, self._account, "pay/refundquery", number)
        if not answer.ok:
            return RefundResult(outcome=Outcome.UNKNOWN, message=answer.message)
        if answer.text("out_refund_no") != request.refund_no:
            return RefundResult(outcome=Outcome.UNKNOWN, message="answer about another refund")
        done = answer.text("status") == "1" and _same_amount(answer.text("money"), request.amount)
        return RefundResult(
            outcome=Outcome.SUCCEEDED if done else Outcome.PENDING,
            provider_ref=answer.text("refund_no"),
        )

    def cancel(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> Outcome:
        """Version 2 closes; a refusal may mean "just paid", so the host has to query."""
        if not self._v2:
            raise CapabilityNotSupported("cancel")
        answer = call_v2(ctx, self._account, "pay/close", {"out_trade_no": attempt_no})
        return Outcome.SUCCEEDED if answer.ok else Outcome.UNKNOWN

    def parse_webhook(self, ctx: CallContext, request: WebhookRequest) -> WebhookResult:
        """See `notices`."""
        return read_notice(self._account, request, ctx.clock.now())

    def check(self, ctx: CallContext) -> str:
        """What the gateway holds against this account; empty when all is well."""
        if self._v2:
            answer = call_v2(ctx, self._account, "merchant/info", {})
        else:
            answer = call_v1(ctx, self._account, "query", {})
        return "" if answer.ok else f"网关不认这个商户：{answer.message}"

    def _ask(self, ctx: CallContext, which: dict[str, str]) -> Answer:
        if self._v2:
            return call_v2(ctx, self._account, "pay/query", which)
        return call_v1(ctx, self._account, "order", which)


def _method(code: str, offline: bool) -> PaymentMethod:
    label, icon = LABELS.get(code, (code, "credit-card"))
    return PaymentMethod(
        code=code,
        label=label,
        icon=icon,
        same_as=SAME_AS.get(code, ""),
        devices=DEVICES.get(code, frozenset()),
        offline=offline,
    )


def _page_to_pay(answer: Answer) -> ChargeResult:
    number, info = answer.text("trade_no"), answer.text("pay_info")
    pending = Outcome.PENDING
    match answer.text("pay_type"):
        case "jump" if info.startswith(("https://", "http://")):
            return ChargeResult(
                outcome=pending, provider_ref=number, redirect_url=info, qr_content=info
            )
        case "qrcode" if info:
            return ChargeResult(outcome=pending, provider_ref=number, qr_content=info)
    # No page that can be shown, hence none on which the shopper could pay.
    raise Declined("pay_type", f"the gateway answered {answer.text('pay_type')[:40]!r}")


def _state_of(answer: Answer) -> QueryResult:
    number = answer.text("trade_no")
    match answer.text("status"):
        case "0":
            return QueryResult(outcome=Outcome.PENDING, provider_ref=number)
        case "1":
            try:
                amount = Money.parse(answer.text("money"))
            except ValueError:
                return QueryResult(outcome=Outcome.UNKNOWN, message="amount is not readable")
            return QueryResult(
                outcome=Outcome.SUCCEEDED,
                provider_ref=number,
                amount=amount,
                paid_at=_beijing_time(answer.text("endtime")),
            )
    # Refunded by hand, frozen, pre-authorised or new: for a person, never a guess.
    message = f"status {answer.text('status')[:20]} at the gateway"
    return QueryResult(outcome=Outcome.UNKNOWN, provider_ref=number, message=message)


def _refusal(answer: Answer) -> RefundResult:
    outcome = Outcome.DECLINED if answer.proven else Outcome.UNKNOWN
    return RefundResult(outcome=outcome, message=answer.message)


def _which(request: RefundRequest) -> dict[str, str]:
    """By the gateway's number when known: a second payment of the attempt has its own."""
    if request.provider_ref:
        return {"trade_no": request.provider_ref}
    return {"out_trade_no": request.attempt_no}


def _about(order: Answer, request: RefundRequest) -> bool:
    """Whether it tells of the very payment: of two for one order the other may be refunded."""
    return not order.ok or request.provider_ref in ("", order.text("trade_no"))


def _yuan(amount: Money) -> str:
    if amount.currency != "CNY":
        raise Declined("currency", "epay collects CNY only")
    try:
        return amount.format()
    except ValueError:
        raise Declined("amount", "epay collects whole fen only") from None


def _same_amount(text: str, amount: Money) -> bool:
    try:
        return Money.parse(text) == amount
    except ValueError:
        return False


def _shortened(name: str) -> str:
    return name.strip().encode()[:MOST_NAME_BYTES].decode("utf-8", "ignore")


def _beijing_time(text: str) -> datetime | None:
    try:
        local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None
    return local.replace(tzinfo=BEIJING).astimezone(UTC)
