"""WeChat Pay as a payment provider: a code on the screen, a page of a phone, inside WeChat."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from kameng_sdk.context import CallContext
from kameng_sdk.errors import (
    CapabilityNotSupported,
    Declined,
    HttpOutcomeUnknown,
    TemporarilyUnavailable,
)
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import (
    BasePaymentProvider,
    BillResult,
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

from .account import WechatAccount
from .bills import BEIJING, read_bill, unpacked
from .charging import fen, order_of, result_of
from .client import Answer, call, download, openid_of
from .documents import Json, Unreadable, fen_of, part_of, text_of
from .notices import moment_of, order_total, read_notice

DEVICES = {"native": Device.DESKTOP, "h5": Device.PHONE, "jsapi": Device.WECHAT}
BUSY = "FREQUENCY_LIMITED"
BUSY_S = 60
NO_SUCH_REFUND = "RESOURCE_NOT_EXISTS"
# A number that is in use may have been paid.
NUMBER_IN_USE = {"ORDERPAID", "OUT_TRADE_NO_USED"}
STILL_OPEN = {"NOTPAY", "USERPAYING"}
OVER = {"CLOSED", "REVOKED"}
BILLS_READY_AT = time(10, 0)


class WechatProvider(BasePaymentProvider):
    """One merchant account. ``provider_ref`` is the transaction_id, known once it is paid."""

    def __init__(self, account: WechatAccount) -> None:
        self._account = account

    @property
    def capabilities(self) -> PaymentCapability:
        """Identifying needs the app's secret; all the rest is always there."""
        common = (
            PaymentCapability.QUERY
            | PaymentCapability.REFUND
            | PaymentCapability.PARTIAL_REFUND
            | PaymentCapability.CANCEL
            | PaymentCapability.WEBHOOK
            | PaymentCapability.REDIRECT
            | PaymentCapability.QR
            | PaymentCapability.BILL
        )
        return common | PaymentCapability.IDENTIFY if self._account.app_secret else common

    def methods(self) -> Sequence[PaymentMethod]:
        """One for each device; inside WeChat only when the payer can be identified."""
        codes = [code for code in DEVICES if code != "jsapi" or self._account.app_secret]
        return [
            PaymentMethod(
                code=code,
                label="微信支付",
                icon="message-circle",
                minimum=Money.from_fen(1),
                fee_bp=self._account.fee_bp,
                devices=frozenset({DEVICES[code]}),
                same_as="wechatpay",
                needs_payer=code == "jsapi",
            )
            for code in codes
        ]

    def charge(self, ctx: CallContext, request: ChargeRequest) -> ChargeResult:
        """Open the order; the attempt's number is WeChat Pay's idempotency key as well."""
        if request.method not in {method.code for method in self.methods()}:
            raise Declined("method", "this way to pay is not configured")
        order = order_of(self._account, request, ctx.clock.now())
        path = f"/v3/pay/transactions/{request.method}"
        answer = call(ctx, self._account, "POST", path, order)
        if not answer.ok:
            raise _not_opened(answer)
        return result_of(ctx, self._account, request, answer)

    def query(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> QueryResult:
        """By our own number: unpaid orders have no other."""
        path = f"/v3/pay/transactions/out-trade-no/{attempt_no}?mchid={self._account.mchid}"
        answer = call(ctx, self._account, "GET", path)
        if not answer.ok:
            return QueryResult(outcome=Outcome.UNKNOWN, message=answer.message)
        ours = {"mchid": self._account.mchid, "appid": self._account.appid}
        if any(answer.fields.get(k) != v for k, v in {**ours, "out_trade_no": attempt_no}.items()):
            return QueryResult(outcome=Outcome.UNKNOWN, message="answer about another order")
        try:
            return _state_of(answer.fields)
        except Unreadable as error:
            return QueryResult(outcome=Outcome.UNKNOWN, message=str(error))

    def cancel(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> Outcome:
        """Close the order. A refusal may mean "just paid", so the host has to query."""
        path = f"/v3/pay/transactions/out-trade-no/{attempt_no}/close"
        answer = call(ctx, self._account, "POST", path, {"mchid": self._account.mchid})
        closed = answer.ok or answer.refused_with("ORDER_CLOSED")
        return Outcome.SUCCEEDED if closed else Outcome.UNKNOWN

    def refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """Repeats safely by number. Accepted is PENDING: only status SUCCESS moved the money."""
        body = {
            **_which(request),
            "out_refund_no": request.refund_no,
            "amount": {
                "refund": fen(request.amount),
                "total": fen(request.total),
                "currency": "CNY",
            },
        }
        if reason := request.reason.strip()[:80]:
            body["reason"] = reason.encode()[:80].decode("utf-8", "ignore")
        answer = call(ctx, self._account, "POST", "/v3/refund/domestic/refunds", body)
        if answer.ok:
            return _refund_state(request, answer.fields)
        if answer.refused_with(BUSY):
            # "Not accepted": the same number again, later.
            raise TemporarilyUnavailable(BUSY_S, answer.message)
        return self._not_refunded(ctx, request, answer)

    def _not_refunded(
        self, ctx: CallContext, request: RefundRequest, refusal: Answer
    ) -> RefundResult:
        """A refusal is final only when the number is unknown: an earlier try may have done it."""
        if not refusal.proven:
            raise HttpOutcomeUnknown(f"an unsigned refusal: {refusal.message}")
        known = self._ask_refund(ctx, request)
        if known.refused_with(NO_SUCH_REFUND):
            return RefundResult(outcome=Outcome.DECLINED, message=refusal.message)
        if not known.ok:
            return RefundResult(outcome=Outcome.UNKNOWN, message=refusal.message)
        return _refund_state(request, known.fields)

    def query_refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """By our number. "No such refund" is UNKNOWN: it may still be on its way."""
        answer = self._ask_refund(ctx, request)
        if not answer.ok:
            return RefundResult(outcome=Outcome.UNKNOWN, message=answer.message)
        return _refund_state(request, answer.fields)

    def _ask_refund(self, ctx: CallContext, request: RefundRequest) -> Answer:
        path = f"/v3/refund/domestic/refunds/{request.refund_no}"
        return call(ctx, self._account, "GET", path)

    def bill(self, ctx: CallContext, day: date) -> BillResult:
        """The trade bill of all payments and refunds, ready at ten the next morning."""
        query = {"bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP"}
        path = f"/v3/bill/tradebill?{urlencode(query)}"
        answer = call(ctx, self._account, "GET", path)
        if not answer.ok:
            return _no_bill(answer, day, ctx.clock.now())
        try:
            if answer.fields.get("hash_type") != "SHA1":
                raise Unreadable("the hash is of another kind")
            sha1 = text_of(answer.fields, "hash_value")
            url = text_of(answer.fields, "download_url", 2048)
            plain = unpacked(download(ctx, self._account, url), sha1)
            lines = read_bill(plain, self._account.mchid)
        except Unreadable as error:
            return BillResult(outcome=Outcome.UNKNOWN, message=f"bill: {error}")
        return BillResult(outcome=Outcome.SUCCEEDED, lines=lines)

    def identify_url(self, return_url: str, state: str) -> str:
        """WeChat's page that asks nothing and comes back with a code (snsapi_base)."""
        if not self._account.app_secret:
            raise CapabilityNotSupported("identify")
        facts = {
            "appid": self._account.appid,
            "redirect_uri": return_url,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
        }
        page = f"{self._account.oauth_page}/connect/oauth2/authorize"
        return f"{page}?{urlencode(facts)}#wechat_redirect"

    def identify(self, ctx: CallContext, code: str) -> str:
        """The payer's openid at our app."""
        if not self._account.app_secret:
            raise CapabilityNotSupported("identify")
        return openid_of(ctx, self._account, code)

    def parse_webhook(self, ctx: CallContext, request: WebhookRequest) -> WebhookResult:
        """See `notices`."""
        return read_notice(self._account, request, ctx.clock.now())

    def check(self, ctx: CallContext) -> str:
        """What is wrong with this account; empty when all is well. Asks about a made-up order."""
        path = f"/v3/pay/transactions/out-trade-no/KAMENGCHECK?mchid={self._account.mchid}"
        answer = call(ctx, self._account, "GET", path)
        known = answer.ok or answer.refused_with("ORDER_NOT_EXIST", "ORDERNOTEXIST")
        return "" if known else f"微信支付不认这个商户：{answer.message}"


def _not_opened(answer: Answer) -> Exception:
    """A refusal need not be signed: without a code or page nothing can be paid."""
    if answer.code in NUMBER_IN_USE:
        return HttpOutcomeUnknown(answer.message)
    if answer.code == BUSY:
        return TemporarilyUnavailable(BUSY_S, answer.message)
    return Declined(answer.code.lower() or "refused", answer.message)


def _state_of(trade: Json) -> QueryResult:
    state = text_of(trade, "trade_state")
    number = str(trade.get("transaction_id") or "")[:64]
    if state == "SUCCESS":
        return QueryResult(
            outcome=Outcome.SUCCEEDED,
            provider_ref=text_of(trade, "transaction_id", 64),
            amount=order_total(trade),
            paid_at=moment_of(trade, "success_time"),
        )
    if state in STILL_OPEN:
        return QueryResult(outcome=Outcome.PENDING, provider_ref=number)
    if state in OVER:
        return QueryResult(outcome=Outcome.DECLINED, provider_ref=number)
    # Paid and given back (perhaps by hand), or something new: for a person, never a guess.
    return QueryResult(outcome=Outcome.UNKNOWN, provider_ref=number, message=f"state is {state}")


def _refund_state(request: RefundRequest, refund: Json) -> RefundResult:
    """CLOSED never moves the money; ABNORMAL waits for a person in WeChat's own console."""
    outcomes = {
        "SUCCESS": Outcome.SUCCEEDED,
        "PROCESSING": Outcome.PENDING,
        "CLOSED": Outcome.DECLINED,
    }
    try:
        same = refund.get("out_refund_no") == request.refund_no
        if not same or fen_of(part_of(refund, "amount"), "refund") != fen(request.amount):
            return RefundResult(outcome=Outcome.UNKNOWN, message="answer about another refund")
        status = text_of(refund, "status")
        number = text_of(refund, "refund_id", 64)
    except Unreadable as error:
        return RefundResult(outcome=Outcome.UNKNOWN, message=str(error))
    outcome = outcomes.get(status, Outcome.UNKNOWN)
    return RefundResult(outcome=outcome, provider_ref=number, message=status)


def _which(request: RefundRequest) -> dict[str, object]:
    if request.provider_ref:
        return {"transaction_id": request.provider_ref}
    return {"out_trade_no": request.attempt_no}


def _no_bill(answer: Answer, day: date, now: datetime) -> BillResult:
    """ "No statement" before bills are made means "not yet"."""
    ready = datetime.combine(day + timedelta(days=1), BILLS_READY_AT, BEIJING)
    if answer.refused_with("NO_STATEMENT_EXIST") and now >= ready:
        return BillResult(outcome=Outcome.SUCCEEDED)
    if answer.refused_with("NO_STATEMENT_EXIST", "STATEMENT_CREATING", BUSY):
        return BillResult(outcome=Outcome.PENDING, message=answer.message)
    return BillResult(outcome=Outcome.UNKNOWN, message=answer.message)
