"""Calls to WeChat Pay: signed requests, verified answers, and doubt kept as doubt."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown

from .account import WechatAccount
from .documents import Json, Unreadable, read_object
from .signing import SCHEME, BadSignature, check_signed, sign

TIMEOUT_S = 10.0
BILL_TIMEOUT_S = 30.0
SIGNED = "wechatpay-signature"


@dataclass(frozen=True, slots=True)
class Answer:
    """``ok``: WeChat Pay did as asked. ``proven``: the answer is signed by its key."""

    ok: bool
    proven: bool
    fields: Json

    @property
    def code(self) -> str:
        """The word of a refusal, such as ``ORDER_NOT_EXIST``; empty when there is none."""
        value = self.fields.get("code")
        return value[:64] if isinstance(value, str) else ""

    @property
    def message(self) -> str:
        """What WeChat Pay says about a refusal, for staff."""
        value = self.fields.get("message")
        return f"{self.code} {value}"[:200] if isinstance(value, str) else self.code

    def refused_with(self, *codes: str) -> bool:
        """A refusal with one of these words, and signed."""
        return not self.ok and self.proven and self.code in codes


def call(
    ctx: CallContext,
    account: WechatAccount,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
) -> Answer:
    """Sign, send, verify. Raises `HttpOutcomeUnknown` for every answer that proves nothing.

    A refusal need not be signed (one about our own signature is not): see `Answer.proven`.
    """
    content = json.dumps(body, ensure_ascii=False).encode() if body is not None else b""
    response = _send(ctx, account, method, path, content, TIMEOUT_S)
    if response.status >= 500 or 300 <= response.status < 400:
        raise HttpOutcomeUnknown(f"WeChat Pay answered HTTP {response.status}")
    ok = response.status < 300
    proven = ok or SIGNED in response.headers
    if proven:
        _verify(ctx, account, response)
    try:
        fields = read_object(response.body) if response.body else {}
    except Unreadable as error:
        raise HttpOutcomeUnknown(f"WeChat Pay's answer: {error}") from None
    return Answer(ok, proven, fields)


def _verify(ctx: CallContext, account: WechatAccount, response: HttpResponse) -> None:
    try:
        now = ctx.clock.now()
        check_signed(response.headers, response.body, account.platform_keys, now)
    except BadSignature as error:
        raise HttpOutcomeUnknown(f"WeChat Pay's answer: {error}") from None


def download(ctx: CallContext, account: WechatAccount, url: str) -> bytes:
    """A file of a bill; the answer is not signed, its hash is known from one that is.

    Raises `HttpOutcomeUnknown`, also for an address elsewhere: it would see a signed request.
    """
    if not url.startswith(f"{account.api}/"):
        raise HttpOutcomeUnknown("the bill lies at another address")
    path = url.removeprefix(account.api)
    response = _send(ctx, account, "GET", path, b"", BILL_TIMEOUT_S)
    if response.status != 200:
        raise HttpOutcomeUnknown(f"the bill's download answered HTTP {response.status}")
    return response.body


def _send(
    ctx: CallContext,
    account: WechatAccount,
    method: str,
    path: str,
    content: bytes,
    timeout_s: float,
) -> HttpResponse:
    now = str(int(ctx.clock.now().timestamp()))
    headers = {
        "Authorization": authorization(account, method, path, now, content),
        "Accept": "application/json",
        "User-Agent": "kameng-payment-wechatpay",
    }
    if content:
        headers["Content-Type"] = "application/json"
    if account.public_key_id:
        # Asks for an answer signed by this key, also while certificates are still in use.
        headers["Wechatpay-Serial"] = account.public_key_id
    return ctx.http.request(
        method, account.api + path, headers=headers, content=content or None, timeout_s=timeout_s
    )


def authorization(
    account: WechatAccount, method: str, path: str, timestamp: str, content: bytes
) -> str:
    """The header that proves who we are; ``path`` with its query, without host and prefix."""
    nonce = secrets.token_hex(16).upper()
    facts = {
        "mchid": account.mchid,
        "nonce_str": nonce,
        "signature": sign(account.signer, method, path, timestamp, nonce, content),
        "timestamp": timestamp,
        "serial_no": account.merchant_serial,
    }
    return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in facts.items())


def openid_of(ctx: CallContext, account: WechatAccount, code: str) -> str:
    """Change the code of the identifying page for the payer's openid.

    Raises `Declined` when the code is no good.
    """
    facts = {
        "appid": account.appid,
        "secret": account.app_secret.reveal(),
        "code": code,
        "grant_type": "authorization_code",
    }
    url = f"{account.oauth_api}/sns/oauth2/access_token?{urlencode(facts)}"
    response = ctx.http.request("GET", url, timeout_s=TIMEOUT_S)
    try:
        answer = read_object(response.body) if response.status == 200 else {}
    except Unreadable:
        answer = {}
    openid = answer.get("openid")
    if isinstance(openid, str) and 0 < len(openid) <= 128 and openid.isascii():
        return openid
    if isinstance(answer.get("errcode"), int):
        raise Declined("code", f"{answer['errcode']} {answer.get('errmsg', '')}"[:200])
    raise HttpOutcomeUnknown("WeChat's answer does not say who the payer is")
