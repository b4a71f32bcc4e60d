"""Refunds: code 10000 says that Alipay has understood, only the fields say that money moved."""

from kameng_sdk.context import CallContext
from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import RefundRequest, RefundResult

from .account import AlipayAccount
from .client import Answer, call
from .payouts import same_amount, yuan


def give_back(ctx: CallContext, account: AlipayAccount, request: RefundRequest) -> RefundResult:
    """The same number and amount again is the same refund, and then nothing moves."""
    biz = {
        **_which(request),
        "refund_amount": yuan(request.amount),
        "out_request_no": request.refund_no,
        "refund_reason": request.reason[:128] or "退款",
    }
    answer = call(ctx, account, "alipay.trade.refund", biz)
    if not answer.ok and not answer.refused:
        return RefundResult(outcome=Outcome.UNKNOWN, message=answer.message)
    if answer.ok and answer.text("fund_change") == "Y" and _about(answer, request):
        trade_no = answer.text("trade_no")
        return RefundResult(outcome=Outcome.SUCCEEDED, provider_ref=trade_no)
    return _after(ctx, account, request, answer)


def _after(
    ctx: CallContext, account: AlipayAccount, request: RefundRequest, answer: Answer
) -> RefundResult:
    """Nothing moved just now: it was done before, is under way, or this is a no."""
    try:
        found = _look(ctx, account, request)
    except HttpOutcomeUnknown as error:
        outcome = Outcome.PENDING if answer.ok else Outcome.UNKNOWN
        return RefundResult(outcome=outcome, message=str(error))
    if found is not None:
        return found
    outcome = Outcome.PENDING if answer.ok else Outcome.DECLINED
    return RefundResult(outcome=outcome, message=answer.message)


def ask(ctx: CallContext, account: AlipayAccount, request: RefundRequest) -> RefundResult:
    """Found is done. Not found may mean: not arrived, failed, or asked within ten seconds."""
    found = _look(ctx, account, request)
    return found or RefundResult(outcome=Outcome.UNKNOWN, message="no such refund at Alipay yet")


def _look(ctx: CallContext, account: AlipayAccount, request: RefundRequest) -> RefundResult | None:
    """None: a proven answer without such a refund, which is one without `refund_status`."""
    biz = {**_which(request), "out_request_no": request.refund_no}
    answer = call(ctx, account, "alipay.trade.fastpay.refund.query", biz)
    if answer.refused and answer.problem == "TRADE_NOT_EXIST":
        return None
    if not answer.ok:
        return RefundResult(outcome=Outcome.UNKNOWN, message=answer.message)
    status = answer.text("refund_status")
    if not status:
        return None
    same = answer.text("out_request_no") == request.refund_no and _about(answer, request)
    if not same or not same_amount(answer.text("refund_amount"), request.amount):
        return RefundResult(outcome=Outcome.UNKNOWN, message="answer about another refund")
    outcome = Outcome.SUCCEEDED if status == "REFUND_SUCCESS" else Outcome.PENDING
    return RefundResult(outcome=outcome, provider_ref=answer.text("trade_no"), message=status[:40])


def _which(request: RefundRequest) -> dict[str, object]:
    """By Alipay's number when known."""
    if request.provider_ref:
        return {"trade_no": request.provider_ref}
    return {"out_trade_no": request.attempt_no}


def _about(answer: Answer, request: RefundRequest) -> bool:
    return answer.text("out_trade_no") == request.attempt_no and request.provider_ref in (
        "",
        answer.text("trade_no"),
    )
