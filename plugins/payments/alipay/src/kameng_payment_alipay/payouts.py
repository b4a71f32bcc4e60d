"""Money out (单笔转账到支付宝账户): taken by Alipay from applications in certificate mode only."""

import re

from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import PayoutRequest, PayoutResult

from .account import AlipayAccount
from .client import Answer, call

KIND = "alipay"
PRODUCT = {"product_code": "TRANS_ACCOUNT_NO_PWD", "biz_scene": "DIRECT_TRANSFER"}
USER_ID = re.compile(r"2088\d{12}")
STATES = {
    "SUCCESS": Outcome.SUCCEEDED,
    "DEALING": Outcome.PENDING,
    "INIT": Outcome.PENDING,
    "WAIT_PAY": Outcome.PENDING,
    "FAIL": Outcome.DECLINED,
    "CLOSED": Outcome.DECLINED,
    "REFUND": Outcome.DECLINED,  # it left, and has come back
}


def send(ctx: CallContext, account: AlipayAccount, request: PayoutRequest) -> PayoutResult:
    """The same number again gives the first transfer. A refusal counts once a query agrees."""
    answer = call(ctx, account, "alipay.fund.trans.uni.transfer", _order(request))
    if answer.ok:
        return _state(answer, request)
    if not answer.refused:
        return PayoutResult(outcome=Outcome.UNKNOWN, message=answer.message)
    # An earlier request of this number may have been done, and only this one refused.
    found = _look(ctx, account, request)
    return found or PayoutResult(outcome=Outcome.DECLINED, message=answer.message)


def ask(ctx: CallContext, account: AlipayAccount, request: PayoutRequest) -> PayoutResult:
    """What became of it. "No such order" proves nothing: the request may still arrive."""
    found = _look(ctx, account, request)
    return found or PayoutResult(outcome=Outcome.UNKNOWN, message="no such transfer at Alipay")


def _look(ctx: CallContext, account: AlipayAccount, request: PayoutRequest) -> PayoutResult | None:
    biz = {**PRODUCT, "out_biz_no": request.payout_no}
    answer = call(ctx, account, "alipay.fund.trans.common.query", biz)
    if answer.refused and answer.problem == "ORDER_NOT_EXIST":
        return None
    if not answer.ok:
        return PayoutResult(outcome=Outcome.UNKNOWN, message=answer.message)
    return _state(answer, request)


def _order(request: PayoutRequest) -> dict[str, object]:
    if request.kind != KIND:
        raise Declined("kind", "Alipay pays to Alipay accounts only")
    by_id = USER_ID.fullmatch(request.account)
    payee = {
        "identity": request.account,
        "identity_type": "ALIPAY_USER_ID" if by_id else "ALIPAY_LOGON_ID",
        "name": request.name,
    }
    return {
        **PRODUCT,
        "out_biz_no": request.payout_no,
        "trans_amount": yuan(request.amount),
        "order_title": request.remark[:128] or request.payout_no,
        "payee_info": payee,
        **({"remark": request.remark[:200]} if request.remark else {}),
    }


def _state(answer: Answer, request: PayoutRequest) -> PayoutResult:
    if answer.text("out_biz_no") != request.payout_no:
        return PayoutResult(outcome=Outcome.UNKNOWN, message="answer about another transfer")
    amount = answer.text("trans_amount")
    if amount and not same_amount(amount, request.amount):
        return PayoutResult(outcome=Outcome.UNKNOWN, message="the transfer has another amount")
    status = answer.text("status")
    return PayoutResult(
        outcome=STATES.get(status, Outcome.UNKNOWN),
        provider_ref=answer.text("order_id"),
        message=" ".join(filter(None, (status[:20], answer.text("fail_reason")[:150]))),
    )


def yuan(amount: Money) -> str:
    """As Alipay wants amounts. Raises `Declined` for what it cannot take."""
    if amount.currency != "CNY":
        raise Declined("currency", "Alipay takes CNY only")
    try:
        return amount.format()
    except ValueError:
        raise Declined("amount", "Alipay takes whole fen only") from None


def same_amount(text: str, amount: Money) -> bool:
    """Whether an amount in an answer is that one."""
    try:
        return Money.parse(text) == amount
    except ValueError:
        return False
