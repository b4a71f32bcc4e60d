"""Calls to gateway.do: signed requests, verified answers, and doubt kept as doubt."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import HttpOutcomeUnknown

from .account import AlipayAccount
from .signing import SIGN_TYPE, request_text, sign, verify
from .times import beijing_text

TIMEOUT_S = 10.0
ERROR_NODE = "error_response"
# What these say about the request in hand is not known: it may be under way, or done by an
# earlier request of the same number.
UNSURE = (
    "SYSTEM_ERROR", "UNKNOW-ERROR", "UNKNOWN_ERROR", "PROCESSING", "DEALING", "INCONSISTENCY",
    "DISCORDANT_REPEAT_REQUEST", "BIZ_UNIQUE_EXCEPTION",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """``proven``: signed by Alipay. Success is always proven, or it would have been an error."""

    proven: bool
    fields: Mapping[str, object]

    def text(self, name: str) -> str:
        """A field as text; empty when it is missing or not a plain value."""
        value = self.fields.get(name)
        return str(value) if isinstance(value, (str, int, Decimal)) else ""

    @property
    def ok(self) -> bool:
        """Taken by Alipay; what that means is up to the method."""
        return self.text("code") == "10000"

    @property
    def problem(self) -> str:
        """The sub-code without the family in front (`ACQ.`, `isv.`), in capitals."""
        return self.text("sub_code").rpartition(".")[2].upper()

    @property
    def refused(self) -> bool:
        """Alipay's own, certain no to this request."""
        doubtful = self.problem.endswith(UNSURE)
        return self.proven and self.text("code").startswith("4") and not doubtful

    @property
    def message(self) -> str:
        """For staff and the log."""
        parts = (self.text("sub_code"), self.text("sub_msg") or self.text("msg"))
        return " ".join(part for part in parts if part)[:200]


def page_url(
    ctx: CallContext, account: AlipayAccount, method: str, biz: Mapping[str, object], **more: str
) -> str:
    """The address of a cashier for the shopper's browser; no call is made."""
    return f"{account.gateway_url}?{urlencode(_signed(ctx, account, method, biz, more))}"


def call(
    ctx: CallContext, account: AlipayAccount, method: str, biz: Mapping[str, object], **more: str
) -> Answer:
    """One call. Raises `HttpOutcomeUnknown` for everything that proves nothing either way."""
    params = _signed(ctx, account, method, biz, more)
    # As Alipay's own clients do: the charset must be in the address, or the body is read as GBK.
    content = {"biz_content": params.pop("biz_content")}
    url = f"{account.gateway_url}?{urlencode(params)}"
    response = ctx.http.request("POST", url, data=content, timeout_s=TIMEOUT_S)
    return _verified(account, response, method.replace(".", "_") + "_response")


def _signed(
    ctx: CallContext,
    account: AlipayAccount,
    method: str,
    biz: Mapping[str, object],
    more: Mapping[str, str],
) -> dict[str, str]:
    params = {
        "app_id": account.app_id,
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": SIGN_TYPE,
        "timestamp": beijing_text(ctx.clock.now()),
        "version": "1.0",
        **more,
        "biz_content": json.dumps(biz, ensure_ascii=False, separators=(",", ":")),
    }
    if account.by_certificate:
        params["app_cert_sn"] = account.app_cert_sn
        params["alipay_root_cert_sn"] = account.root_cert_sn
    return params | {"sign": sign(request_text(params), account.private_key.reveal())}


def _verified(account: AlipayAccount, response: HttpResponse, node: str) -> Answer:
    if response.status != 200:
        raise HttpOutcomeUnknown(f"Alipay answered HTTP {response.status}")
    try:
        members = raw_members(response.text())
        raw = members.get(node) or members[ERROR_NODE]
        fields = json.loads(raw, parse_float=Decimal)
        signature = json.loads(members.get("sign", '""'))
        serial = json.loads(members.get("alipay_cert_sn", '""'))
    except (ValueError, KeyError, RecursionError):
        raise HttpOutcomeUnknown("Alipay's answer is not readable") from None
    if not isinstance(fields, dict) or not isinstance(signature, str):
        raise HttpOutcomeUnknown("Alipay's answer is not an object")
    if serial and account.alipay_cert_sn and serial != account.alipay_cert_sn:
        raise HttpOutcomeUnknown("signed with another Alipay certificate than configured")
    if signature and not verify(raw, account.alipay_key, signature):
        raise HttpOutcomeUnknown("Alipay's answer is not signed by its key")
    answer = Answer(bool(signature), fields)
    if answer.ok and not answer.proven:
        raise HttpOutcomeUnknown("Alipay's answer claims success without a signature")
    return answer


def raw_members(text: str) -> dict[str, str]:
    """The members of a JSON object as they are written, since the signature covers that text.

    Raises `ValueError` for anything else, and for a name given twice.
    """
    decoder, members = json.JSONDecoder(), dict[str, str]()
    at = _expect(text, 0, "{")
    while True:
        name, at = decoder.raw_decode(text, _after_blanks(text, at))
        start = _after_blanks(text, _expect(text, at, ":"))
        _, at = decoder.raw_decode(text, start)
        if not isinstance(name, str) or name in members:
            raise ValueError("a name that is none, or given twice")
        members[name] = text[start:at]
        at = _after_blanks(text, at)
        if text[at : at + 1] != ",":
            break
        at += 1
    if text[_expect(text, at, "}") :].strip():
        raise ValueError("more than one object")
    return members


def _expect(text: str, at: int, sign: str) -> int:
    at = _after_blanks(text, at)
    if text[at : at + 1] != sign:
        raise ValueError(f"{sign} is missing")
    return at + 1


def _after_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\r", "\n"):
        at += 1
    return at
