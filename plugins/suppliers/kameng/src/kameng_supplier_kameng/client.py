"""Calls to the other Kameng: signed requests, and doubt kept as doubt."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown, Misconfigured

from .account import KamengAccount
from .refusals import DOOR, NUMBERS, ORDER
from .signing import signature

TIMEOUT_S = 10.0
MOST_WORDS = 200
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object of the other side; ``code`` is the documented word of a refusal, or ""."""

    fields: Mapping[str, Any]
    code: str = ""

    def read(self) -> Mapping[str, Any]:
        """The fields of a success. A refused question says nothing of any purchase, so it is
        `Misconfigured` at the door and `HttpOutcomeUnknown` behind it, never `Declined`."""
        if self.code in DOOR:
            raise Misconfigured(f"上游拒绝了凭证：{self.code} {self._said}")
        if self.code:
            raise HttpOutcomeUnknown(f"the other side refused: {self.code}")
        return self.fields

    def ordered(self) -> Mapping[str, Any]:
        """The fields of a success; raises `Declined` for a sure no, else `HttpOutcomeUnknown`."""
        if self.code in DOOR or self.code in ORDER:
            raise Declined(self.code, self._said)
        return self.read()

    @property
    def _said(self) -> str:
        title = self.fields.get("title")
        return title[:MOST_WORDS] if isinstance(title, str) else ""


def call(
    ctx: CallContext,
    account: KamengAccount,
    method: str,
    what: str,
    fields: Mapping[str, Any] | None = None,
) -> Answer:
    """One signed request; ``what`` follows ``/api/v1/``, with its query if it has one.

    Raises `HttpOutcomeUnknown` for everything that is not an answer of the protocol.
    """
    url = f"{account.base_url}/api/v1/{what}"
    body = b"" if fields is None else json.dumps(fields, ensure_ascii=False).encode()
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    timestamp, nonce = str(int(ctx.clock.now().timestamp())), secrets.token_hex(16)
    secret = account.secret.reveal()
    headers = {
        "Kameng-Key": account.key_id,
        "Kameng-Timestamp": timestamp,
        "Kameng-Nonce": nonce,
        "Kameng-Signature": signature(secret, method, path, timestamp, nonce, body),
    }
    if body:
        headers["Content-Type"] = "application/json"
    response = ctx.http.request(
        method, url, headers=headers, content=body or None, timeout_s=TIMEOUT_S
    )
    return _read(response)


def _read(response: HttpResponse) -> Answer:
    try:
        fields = response.json()
    except ValueError:
        fields = None
    if isinstance(fields, dict) and response.status in (200, 201) and not _is_problem(response):
        return Answer(fields)
    if isinstance(fields, dict) and _is_problem(response):
        code = _documented(response.status, fields)
        if code:
            return Answer(fields, code)
    raise HttpOutcomeUnknown(f"HTTP {response.status} is no answer of the interface")


def _is_problem(response: HttpResponse) -> bool:
    kind = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == PROBLEM


def _documented(status: int, fields: Mapping[str, Any]) -> str:
    """The refusal's word where word, number and both statuses agree; else nothing is proved."""
    code, number = fields.get("code"), fields.get("number")
    if not isinstance(code, str) or type(number) is not int or NUMBERS.get(code) != number:
        return ""
    return code if number // 100 == status == fields.get("status") else ""
