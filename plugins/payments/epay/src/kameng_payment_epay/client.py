"""Calls to the gateway: signed requests, verified answers, and doubt kept as doubt."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import HttpOutcomeUnknown

from .account import EpayAccount
from .signing import md5_sign, rsa_sign, rsa_verify

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """``ok``: the gateway did as asked. ``proven``: the answer is signed by the platform."""

    ok: bool
    proven: bool
    fields: Mapping[str, object]

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        return "" if value is None or isinstance(value, (list, dict)) else str(value)

    @property
    def message(self) -> str:
        return self.text("msg")[:200]


def submit_url_v1(account: EpayAccount, params: Mapping[str, str]) -> str:
    """The address of the cashier for the shopper's browser; no call is made."""
    signed = {**params, "pid": account.pid}
    signed["sign"] = md5_sign(signed, account.key.reveal())
    return f"{account.gateway_url}/submit.php?{urlencode({**signed, 'sign_type': 'MD5'})}"


def call_v1(ctx: CallContext, account: EpayAccount, act: str, params: Mapping[str, str]) -> Answer:
    """`api.php` authenticates by the key itself; it reads GET, and a form for refunds only."""
    named = {**params, "pid": account.pid, "key": account.key.reveal()}
    url = f"{account.gateway_url}/api.php?act={act}"
    if act == "refund":
        response = ctx.http.request("POST", url, data=named, timeout_s=TIMEOUT_S)
    else:
        response = ctx.http.request("GET", f"{url}&{urlencode(named)}", timeout_s=TIMEOUT_S)
    fields = _json_object(response)
    # Version 1 signs no answer: the TLS connection is the only proof there is.
    return Answer(str(fields.get("code")) == "1", True, fields)


def call_v2(ctx: CallContext, account: EpayAccount, path: str, params: Mapping[str, str]) -> Answer:
    """Sign, send, verify. An answer that claims success unsigned is no answer."""
    form = {**params, "pid": account.pid, "timestamp": str(int(ctx.clock.now().timestamp()))}
    form["sign"] = rsa_sign(form, account.private_key.reveal())
    response = ctx.http.request(
        "POST",
        f"{account.gateway_url}/api/{path}",
        data={**form, "sign_type": account.sign_type},
        timeout_s=TIMEOUT_S,
    )
    fields = _json_object(response)
    proven = rsa_verify(fields, account.platform_key, str(fields.get("sign") or ""))
    ok = str(fields.get("code")) == "0"
    if ok and not proven:
        raise HttpOutcomeUnknown("the gateway's answer is not signed by its key")
    return Answer(ok, proven, fields)


def _json_object(response: HttpResponse) -> dict[str, object]:
    if response.status != 200:
        raise HttpOutcomeUnknown(f"the gateway answered HTTP {response.status}")
    try:
        fields = response.json()
    except ValueError:
        raise HttpOutcomeUnknown("the gateway's answer is not JSON") from None
    if not isinstance(fields, dict):
        raise HttpOutcomeUnknown("the gateway's answer is not an object")
    if fields.get("code") is None:
        # No refusal of the gateway's: it may come from anything on the way.
        raise HttpOutcomeUnknown("the gateway's answer has no code")
    return fields
