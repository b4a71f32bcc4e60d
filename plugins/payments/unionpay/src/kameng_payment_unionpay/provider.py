"""UnionPay's online gateway as a payment provider."""

import re
from collections.abc import Sequence
from datetime import date

from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined
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

from .account import UnionpayAccount
from .amounts import from_fen, to_fen
from .bill import fetch_bill
from .client import FRONT, QUERY, Fields, call, message_of, signed
from .notices import paid_at, read_notice
from .references import Reference, is_query_id
from .refunds import ask_refund, send_refund
from .states import CNY, NOT_FOUND, PAID, PAYMENT, UNDER_WAY
from .times import stamp

METHOD = PaymentMethod(
    code="unionpay", label="银联", icon="building-bank", same_as="unionpay",
    devices=frozenset({Device.DESKTOP, Device.PHONE}),
)  # fmt: skip
ORDER_ID = re.compile(r"[0-9A-Za-z]{8,40}")
# The protocol's own punctuation: in a name of goods it breaks the parsers on the way.
PUNCTUATION = re.compile(r"[&={}\[\]\"'\s]+")
MOST_NAME = 40
UNPAID = Outcome.PENDING


class UnionpayProvider(BasePaymentProvider):
    """One merchant account. See `references` for ``provider_ref``."""

    def __init__(self, account: UnionpayAccount) -> None:
        self._account = account

    @property
    def capabilities(self) -> PaymentCapability:
        """No CANCEL: the gateway cannot close an order, it ends by itself at its time."""
        return (
            PaymentCapability.QUERY
            | PaymentCapability.REFUND
            | PaymentCapability.PARTIAL_REFUND
            | PaymentCapability.WEBHOOK
            | PaymentCapability.REDIRECT
            | PaymentCapability.BILL
            | PaymentCapability.TEST_MODE
        )

    def methods(self) -> Sequence[PaymentMethod]:
        """One; computer and phone get different pages of the gateway."""
        return (METHOD,)

    def charge(self, ctx: CallContext, request: ChargeRequest) -> ChargeResult:
        """Only sign a form: nothing is sent before the shopper's browser carries it there."""
        now = ctx.clock.now()
        if not ORDER_ID.fullmatch(request.attempt_no):
            raise Declined("attempt_no", "UnionPay takes 8 to 40 letters and digits")
        if request.expires_at <= now:
            raise Declined("expired", "there is no time left to pay")
        reference = Reference.of_charge(now, request.expires_at)
        name = PUNCTUATION.sub(" ", request.subject)[:MOST_NAME].strip() or request.attempt_no
        form = signed(self._account, {
            "bizType": "000201", "txnType": PAYMENT, "txnSubType": "01",
            "channelType": "07" if request.device is Device.DESKTOP else "08",
            "orderId": request.attempt_no, "txnTime": reference.sent, "currencyCode": CNY,
            "txnAmt": to_fen(request.amount), "payTimeout": reference.until,
            "frontUrl": request.return_url, "frontFailUrl": request.return_url,
            "backUrl": request.notify_url, "customerIp": request.client_ip,
            "riskRateInfo": f"{{commodityName={name}}}",
        })  # fmt: skip
        return ChargeResult(
            outcome=UNPAID,
            provider_ref=str(reference),
            redirect_url=self._account.gateway_url + FRONT,
            form=form,
        )

    def query(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> QueryResult:
        """By number and time of sending, or by UnionPay's own number once that is known.

        Without a reference nobody has got a form, so there is nothing to ask about.
        """
        reference = Reference.read(provider_ref)
        if reference is None:
            message = "no form was handed out"
            return QueryResult(outcome=Outcome.UNKNOWN, message=message)
        answer = self._ask(ctx, reference, attempt_no)
        if answer.get("respCode") != "00":
            return QueryResult(outcome=Outcome.UNKNOWN, message=message_of(answer))
        if not _about(answer, attempt_no):
            return QueryResult(outcome=Outcome.UNKNOWN, message="answer about another order")
        code, message = answer.get("origRespCode", ""), message_of(answer, "origResp")
        if code in PAID:
            return _paid(answer)
        # A card that is refused may be followed by another one until the order's time is over.
        final = code not in UNDER_WAY | {"", NOT_FOUND} and reference.over(ctx.clock.now())
        return QueryResult(outcome=Outcome.DECLINED if final else UNPAID, message=message)

    def _ask(self, ctx: CallContext, reference: Reference, order_id: str) -> Fields:
        fields = {"bizType": "000000", "txnType": "00", **reference.which(order_id)}
        return call(ctx, self._account, QUERY, fields)

    def refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """See `refunds`. A payment whose query number is unknown is asked about first."""
        reference = Reference.read(request.provider_ref)
        query_id = reference.query_id if reference else ""
        if not query_id:
            found = self.query(ctx, request.attempt_no, request.provider_ref)
            if found.outcome is not Outcome.SUCCEEDED:
                return RefundResult(outcome=Outcome.UNKNOWN, message=f"unpaid: {found.message}")
            query_id = found.provider_ref
        return send_refund(ctx, self._account, request, query_id)

    def query_refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """See `refunds`."""
        return ask_refund(ctx, self._account, request)

    def parse_webhook(self, ctx: CallContext, request: WebhookRequest) -> WebhookResult:
        """See `notices`."""
        return read_notice(self._account, request, ctx.clock.now())

    def bill(self, ctx: CallContext, day: date) -> BillResult:
        """See `bill`."""
        return fetch_bill(ctx, self._account, day)

    def check(self, ctx: CallContext) -> str:
        """What UnionPay holds against this account; empty when all is well.

        Asks about an order that does not exist: both keys and the merchant are proven by it.
        """
        nothing = Reference(sent=stamp(ctx.clock.now()))
        answer = self._ask(ctx, nothing, "KAMENGCHECK0")
        return "" if answer.get("respCode") in ("00", NOT_FOUND) else f"银联：{message_of(answer)}"


def _about(answer: Fields, attempt_no: str) -> bool:
    same = answer.get("orderId") == attempt_no and answer.get("txnType") == PAYMENT
    return same and answer.get("currencyCode", CNY) == CNY


def _paid(answer: Fields) -> QueryResult:
    query_id = answer.get("queryId", "")
    try:
        amount = from_fen(answer.get("txnAmt", ""))
    except ValueError:
        return QueryResult(outcome=Outcome.UNKNOWN, message="amount is not readable")
    if not is_query_id(query_id):
        return QueryResult(outcome=Outcome.UNKNOWN, message="paid without a query number")
    return QueryResult(
        outcome=Outcome.SUCCEEDED, provider_ref=query_id, amount=amount, paid_at=paid_at(answer)
    )
