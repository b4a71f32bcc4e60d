"""The payment provider: cashier pages and codes, query, close, refunds, bills, payouts."""

from collections.abc import Sequence
from datetime import date, timedelta
from urllib.parse import urlsplit

from kameng_sdk.context import CallContext
from kameng_sdk.errors import CapabilityNotSupported, Declined, HttpOutcomeUnknown
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
    PayoutRequest,
    PayoutResult,
    QueryResult,
    RefundRequest,
    RefundResult,
    WebhookResult,
)
from kameng_sdk.webhooks import WebhookRequest

from . import payouts, refunds
from .account import AlipayAccount
from .bills import Unreadable, read_bill
from .client import Answer, call, page_url
from .notices import read_notice
from .payouts import yuan
from .times import beijing_text, beijing_time

LABEL, ICON, WALLET = "支付宝", "scan", "alipay"
DEVICES = {
    "page": frozenset({Device.DESKTOP}),
    "wap": frozenset({Device.PHONE, Device.ALIPAY}),
    "qr": frozenset({Device.DESKTOP, Device.PHONE}),
}
PAGES = {
    "page": ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
    "wap": ("alipay.trade.wap.pay", "QUICK_WAP_WAY"),
}
# Alipay refuses the first three in a subject; the others would end a column of its bill.
FORBIDDEN = str.maketrans({"/": "／", "=": "＝", "&": "＆", ",": "，", '"': "”", "\n": " "})
MOST_SUBJECT = 128
LEAST_TIME = timedelta(minutes=1)
NO_BILL = ("NO_BILL_DATA", "BILL_DATE_BEFORE_REGISTRATION")
NOT_READY = ("BILL_NOT_EXIST", "SYSTEM_RATE_LIMIT", "USER_RATE_LIMIT")


class AlipayProvider(BasePaymentProvider):
    """One application of one seller."""

    def __init__(self, account: AlipayAccount) -> None:
        self._account = account

    @property
    def capabilities(self) -> PaymentCapability:
        """Payouts need the application's certificates."""
        able = (
            PaymentCapability.QUERY
            | PaymentCapability.REFUND
            | PaymentCapability.PARTIAL_REFUND
            | PaymentCapability.CANCEL
            | PaymentCapability.WEBHOOK
            | PaymentCapability.BILL
        )
        if {"page", "wap"} & set(self._account.methods):
            able |= PaymentCapability.REDIRECT
        if "qr" in self._account.methods:
            able |= PaymentCapability.QR
        if self._account.test:
            able |= PaymentCapability.TEST_MODE
        if self._account.by_certificate:
            able |= PaymentCapability.PAYOUT
        return able

    def methods(self) -> Sequence[PaymentMethod]:
        """The configured ones in the configured order: one wallet to the shopper."""
        return [
            PaymentMethod(
                code=code, label=LABEL, icon=ICON, minimum=Money.from_fen(1),
                fee_bp=self._account.fee_bp, devices=DEVICES[code], same_as=WALLET,
            )
            for code in self._account.methods
        ]  # fmt: skip

    def charge(self, ctx: CallContext, request: ChargeRequest) -> ChargeResult:
        """Pages are signed addresses without a call; a code is asked for."""
        if request.method not in self._account.methods:
            raise Declined("method", "this way to pay is not configured")
        order = self._order(ctx, request)
        if request.method == "qr":
            return self._code(ctx, request, order)
        method, product = PAGES[request.method]
        biz = order | {"product_code": product}
        if request.method == "wap":
            biz["quit_url"] = request.return_url
        url = page_url(
            ctx, self._account, method, biz,
            notify_url=request.notify_url, return_url=request.return_url,
        )  # fmt: skip
        return ChargeResult(outcome=Outcome.PENDING, redirect_url=url)

    def _code(
        self, ctx: CallContext, request: ChargeRequest, order: dict[str, object]
    ) -> ChargeResult:
        answer = call(
            ctx, self._account, "alipay.trade.precreate", order, notify_url=request.notify_url
        )
        if not answer.ok:
            # A refusal need not be signed: without a code nothing can be paid.
            raise Declined(answer.problem or "refused", answer.message)
        code = answer.text("qr_code")
        if answer.text("out_trade_no") != request.attempt_no or not code:
            raise HttpOutcomeUnknown("no code, or the code of another order")
        return ChargeResult(outcome=Outcome.PENDING, qr_content=code)

    def _order(self, ctx: CallContext, request: ChargeRequest) -> dict[str, object]:
        subject = " ".join(request.subject.translate(FORBIDDEN).split())[:MOST_SUBJECT]
        # Alipay closes the order then by itself, also one whose page nobody has opened yet.
        end = max(request.expires_at, ctx.clock.now() + LEAST_TIME)
        return {
            "out_trade_no": request.attempt_no,
            "total_amount": yuan(request.amount),
            "subject": subject or request.attempt_no,
            "time_expire": beijing_text(end),
        }

    def query(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> QueryResult:
        """By our own number, which exists at Alipay once the shopper has been there."""
        answer = call(ctx, self._account, "alipay.trade.query", {"out_trade_no": attempt_no})
        if not answer.ok:
            return QueryResult(outcome=Outcome.UNKNOWN, message=answer.message)
        if answer.text("out_trade_no") != attempt_no:
            return QueryResult(outcome=Outcome.UNKNOWN, message="answer about another order")
        return _state_of(answer)

    def refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """See `refunds`."""
        return refunds.give_back(ctx, self._account, request)

    def query_refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """See `refunds`."""
        return refunds.ask(ctx, self._account, request)

    def cancel(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> Outcome:
        """Close, which never gives money back. A refusal may mean "just paid": query.

        "No such trade" is no closing: its page may still be opened until it expires.
        """
        answer = call(ctx, self._account, "alipay.trade.close", {"out_trade_no": attempt_no})
        done = answer.ok and answer.text("out_trade_no") in ("", attempt_no)
        return Outcome.SUCCEEDED if done else Outcome.UNKNOWN

    def parse_webhook(self, ctx: CallContext, request: WebhookRequest) -> WebhookResult:
        """See `notices`."""
        return read_notice(self._account, request)

    def bill(self, ctx: CallContext, day: date) -> BillResult:
        """The trade bill of a day, ready at about nine on the next."""
        biz = {"bill_type": "trade", "bill_date": day.isoformat(), "secure": "true"}
        method = "alipay.data.dataservice.bill.downloadurl.query"
        answer = call(ctx, self._account, method, biz)
        if not answer.ok:
            return _no_bill(answer)
        if answer.text("bill_file_code") == "EMPTY_DATA_WITH_BILL_FILE":
            return BillResult(outcome=Outcome.SUCCEEDED, message="no business that day")
        url = answer.text("bill_download_url")
        # The file carries no signature: what vouches for it is TLS, as for Alipay itself.
        if urlsplit(url).scheme not in ("https", urlsplit(self._account.gateway_url).scheme):
            return BillResult(outcome=Outcome.UNKNOWN, message="an address without TLS")
        archive = ctx.http.request("GET", url)
        if archive.status != 200:
            return BillResult(outcome=Outcome.UNKNOWN, message=f"HTTP {archive.status}")
        try:
            lines = read_bill(archive.body, self._account.seller_id, day)
        except Unreadable as error:
            return BillResult(outcome=Outcome.UNKNOWN, message=str(error))
        return BillResult(outcome=Outcome.SUCCEEDED, lines=lines)

    def payout_kinds(self) -> Sequence[str]:
        """Alipay accounts, when the application may send money at all."""
        return (payouts.KIND,) if self._account.by_certificate else ()

    def payout(self, ctx: CallContext, request: PayoutRequest) -> PayoutResult:
        """See `payouts`."""
        self._may_pay_out()
        return payouts.send(ctx, self._account, request)

    def query_payout(self, ctx: CallContext, request: PayoutRequest) -> PayoutResult:
        """See `payouts`."""
        self._may_pay_out()
        return payouts.ask(ctx, self._account, request)

    def _may_pay_out(self) -> None:
        if not self._account.by_certificate:
            raise CapabilityNotSupported("payout")

    def check(self, ctx: CallContext) -> str:
        """What Alipay holds against this account; empty when all is well.

        A signed "no such trade" proves address, application and both keys.
        """
        biz = {"out_trade_no": "kameng_test_button"}
        answer = call(ctx, self._account, "alipay.trade.query", biz)
        known = answer.proven and (answer.ok or answer.problem == "TRADE_NOT_EXIST")
        return "" if known else f"支付宝不认这个应用：{answer.message}"


def _state_of(answer: Answer) -> QueryResult:
    trade_no, status = answer.text("trade_no"), answer.text("trade_status")
    paid_at = beijing_time(answer.text("send_pay_date"))
    if status == "WAIT_BUYER_PAY":
        return QueryResult(outcome=Outcome.PENDING, provider_ref=trade_no)
    if status == "TRADE_CLOSED" and paid_at is None:
        return QueryResult(outcome=Outcome.DECLINED, provider_ref=trade_no, message="closed unpaid")
    if status in ("TRADE_SUCCESS", "TRADE_FINISHED"):
        try:
            amount = Money.parse(answer.text("total_amount"))
        except ValueError:
            return QueryResult(outcome=Outcome.UNKNOWN, message="amount is not readable")
        return QueryResult(
            outcome=Outcome.SUCCEEDED, provider_ref=trade_no, amount=amount, paid_at=paid_at
        )
    # Closed although it was paid: all has gone back. For a person, never "not paid".
    message = f"{status[:20]} at Alipay, paid {answer.text('send_pay_date')[:19]}"
    return QueryResult(outcome=Outcome.UNKNOWN, provider_ref=trade_no, message=message)


def _no_bill(answer: Answer) -> BillResult:
    if answer.refused and answer.problem in NO_BILL:
        return BillResult(outcome=Outcome.SUCCEEDED, message=answer.message)
    if answer.refused and answer.problem in NOT_READY:
        return BillResult(outcome=Outcome.PENDING, message=answer.message)
    outcome = Outcome.DECLINED if answer.refused else Outcome.UNKNOWN
    return BillResult(outcome=outcome, message=answer.message)
