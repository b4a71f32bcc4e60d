"""What is sent to open an order, and what the shopper gets: a code, an address, a bridge."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined, HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import ChargeRequest, ChargeResult

from .account import WechatAccount
from .bills import BEIJING
from .client import Answer
from .documents import Unreadable, text_of
from .signing import sign

MOST_DESCRIPTION_BYTES = 127
# An order must stay open for a minute at least.
SHORTEST_LIFE = timedelta(seconds=61)


def order_of(account: WechatAccount, request: ChargeRequest, now: datetime) -> dict[str, Any]:
    """The body of a new order. Raises `Declined` for what WeChat Pay cannot collect."""
    ends = max(request.expires_at, now + SHORTEST_LIFE).astimezone(BEIJING)
    order: dict[str, Any] = {
        "appid": account.appid,
        "mchid": account.mchid,
        "description": _shortened(request.subject) or request.attempt_no,
        "out_trade_no": request.attempt_no,
        "time_expire": ends.isoformat(timespec="seconds"),
        "notify_url": request.notify_url,
        "amount": {"total": fen(request.amount), "currency": "CNY"},
    }
    if request.method == "jsapi":
        if not request.payer:
            raise Declined("payer", "nobody was identified inside WeChat")
        order["payer"] = {"openid": request.payer}
    elif request.client_ip:
        order["scene_info"] = {"payer_client_ip": request.client_ip}
    if request.method == "h5":
        if not request.client_ip:
            raise Declined("client_ip", "WeChat Pay wants the address of a phone's browser")
        order["scene_info"]["h5_info"] = {"type": "Wap"}
    return order


def result_of(
    ctx: CallContext, account: WechatAccount, request: ChargeRequest, answer: Answer
) -> ChargeResult:
    """How the shopper goes on. Raises `HttpOutcomeUnknown` when the answer does not tell."""
    try:
        return RESULTS[request.method](ctx, account, request, answer)
    except Unreadable as error:
        raise HttpOutcomeUnknown(f"WeChat Pay's answer: {error}") from None


def _native(
    ctx: CallContext, account: WechatAccount, request: ChargeRequest, answer: Answer
) -> ChargeResult:
    code = text_of(answer.fields, "code_url", 512)
    # WeChat's own code opens in WeChat only; a simulator's is a page, and a way back helps there.
    page = _with_return(code, request.return_url) if code.startswith("http") else ""
    return ChargeResult(outcome=Outcome.PENDING, qr_content=code, redirect_url=page)


def _h5(
    ctx: CallContext, account: WechatAccount, request: ChargeRequest, answer: Answer
) -> ChargeResult:
    page = text_of(answer.fields, "h5_url", 1024)
    if not page.startswith("https://" if not account.gateway_url else "http"):
        raise HttpOutcomeUnknown("WeChat Pay's answer: h5_url is not an address")
    return ChargeResult(
        outcome=Outcome.PENDING, redirect_url=_with_return(page, request.return_url)
    )


def _jsapi(
    ctx: CallContext, account: WechatAccount, request: ChargeRequest, answer: Answer
) -> ChargeResult:
    prepay_id = text_of(answer.fields, "prepay_id", 128)
    timestamp = str(int(ctx.clock.now().timestamp()))
    return ChargeResult(
        outcome=Outcome.PENDING, bridge=bridge_arguments(account, prepay_id, timestamp)
    )


Reader = Callable[[CallContext, WechatAccount, ChargeRequest, Answer], ChargeResult]
RESULTS: Mapping[str, Reader] = {"native": _native, "h5": _h5, "jsapi": _jsapi}


def bridge_arguments(account: WechatAccount, prepay_id: str, timestamp: str) -> dict[str, str]:
    """Arguments of `getBrandWCPayRequest`, signed by the merchant."""
    nonce, package = secrets.token_hex(16), f"prepay_id={prepay_id}"
    return {
        "appId": account.appid,
        "timeStamp": timestamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": sign(account.signer, account.appid, timestamp, nonce, package),
    }


def fen(amount: Money) -> int:
    """Whole fen of yuan. Raises `Declined`."""
    if amount.currency != "CNY":
        raise Declined("currency", "this account collects CNY only")
    try:
        return amount.to_fen()
    except ValueError:
        raise Declined("amount", "WeChat Pay collects whole fen only") from None


def _with_return(page: str, return_url: str) -> str:
    return f"{page}{'&' if '?' in page else '?'}redirect_url={quote(return_url, safe='')}"


def _shortened(name: str) -> str:
    # Backticks mark the borders of a bill's columns.
    plain = " ".join(name.replace("`", "'").split())
    return plain.encode()[:MOST_DESCRIPTION_BYTES].decode("utf-8", "ignore")
