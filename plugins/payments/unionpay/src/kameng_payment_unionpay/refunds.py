"""Refunds: a transaction of its own at UnionPay, accepted first and done later.

Number and time together name a transaction there: the same number with another time could be a
second refund. So the time is the one at which the host made the refund, in every try.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import RefundRequest, RefundResult

from .account import UnionpayAccount
from .amounts import to_fen
from .client import BACK, QUERY, Fields, call, message_of
from .states import CNY, NOT_FOUND, PAID, REFUND, UNDER_WAY, UNSAID
from .times import stamp

# UnionPay's own word for "send me no notice": the address field must not be empty.
NO_NOTICE = "http://www.specialUrl.com"
# UnionPay takes only times that are now. A try that comes later may be refused for its time
# alone, while an earlier one was taken: such a refusal is no "no".
FRESH = timedelta(minutes=10)


def send_refund(
    ctx: CallContext, account: UnionpayAccount, request: RefundRequest, query_id: str
) -> RefundResult:
    """Ask for the refund of the payment with this query number."""
    made_at = _made_at(request)
    answer = call(ctx, account, BACK, {
        "bizType": "000201", "txnType": REFUND, "txnSubType": "00", "channelType": "07",
        "orderId": request.refund_no, "txnTime": stamp(made_at), "txnAmt": to_fen(request.amount),
        "currencyCode": CNY, "backUrl": NO_NOTICE, "origQryId": query_id,
        "reqReserved": request.attempt_no,  # comes back in the bill, which names no attempt else
    })  # fmt: skip
    code, message = answer.get("respCode", ""), message_of(answer)
    if code == "00" or code in UNDER_WAY:
        outcome = Outcome.PENDING if _about(answer, request, made_at) else Outcome.UNKNOWN
        ref = answer.get("queryId", "")[:32]
        return RefundResult(outcome=outcome, provider_ref=ref, message=message)
    stale = ctx.clock.now() - made_at > FRESH
    outcome = Outcome.UNKNOWN if code in UNSAID or stale else Outcome.DECLINED
    return RefundResult(outcome=outcome, message=message)


def ask_refund(ctx: CallContext, account: UnionpayAccount, request: RefundRequest) -> RefundResult:
    """What became of it. "Not found" may mean "not yet", so it is UNKNOWN."""
    made_at = _made_at(request)
    answer = call(ctx, account, QUERY, {
        "bizType": "000000", "txnType": "00", "txnSubType": "00",
        "orderId": request.refund_no, "txnTime": stamp(made_at),
    })  # fmt: skip
    if answer.get("respCode") != "00":
        return RefundResult(outcome=Outcome.UNKNOWN, message=message_of(answer))
    same = answer.get("txnType") == REFUND and answer.get("txnAmt") == to_fen(request.amount)
    if not (same and _about(answer, request, made_at)):
        return RefundResult(outcome=Outcome.UNKNOWN, message="answer about another transaction")
    return RefundResult(
        outcome=_outcome(answer.get("origRespCode", "")),
        provider_ref=answer.get("queryId", "")[:32],
        message=message_of(answer, "origResp"),
    )


def _outcome(code: str) -> Outcome:
    if code in PAID:
        return Outcome.SUCCEEDED
    if code in UNDER_WAY:
        return Outcome.PENDING
    return Outcome.UNKNOWN if code in UNSAID | {"", NOT_FOUND} else Outcome.DECLINED


def _about(answer: Fields, request: RefundRequest, made_at: datetime) -> bool:
    named = (answer.get("orderId"), answer.get("txnTime"))
    return named == (request.refund_no, stamp(made_at))


def _made_at(request: RefundRequest) -> datetime:
    if request.made_at is None:
        raise Declined("made_at", "the host does not tell when it made this refund")
    return request.made_at
