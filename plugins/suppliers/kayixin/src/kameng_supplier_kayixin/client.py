"""One call: exactly the signed bytes are sent, and doubt about the answer stays doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown

from .account import KayixinAccount
from .refusals import refusal_code
from .signing import VERSION, request_body, sign
from .values import text

TIMEOUT_S = 15.0
DONE = "1000"


@dataclass(frozen=True, slots=True)
class Answer:
    """``done``: as asked. Otherwise the site refused with a ``message`` for people."""

    done: bool
    message: str
    data: object = None

    def needed(self) -> object:
        """The data of an answer that asks or lists only; raises `Declined` for a refusal."""
        if not self.done:
            raise Declined(refusal_code(self.message) or "refused", self.message)
        return self.data


def call(
    ctx: CallContext,
    account: KayixinAccount,
    path: str,
    fields: Mapping[str, object] | None = None,
) -> Answer:
    """Raises `HttpOutcomeUnknown` for everything but an answer with a code and words.

    A redirect is never followed. Answers are not signed: use the site over HTTPS.
    """
    body = (account.empty_body if fields is None else request_body(fields)).encode()
    timestamp = account.timestamp(ctx.clock.now())
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-App-Id": account.app_id,
        "X-Version": VERSION,
        "X-Timestamp": timestamp,
        "X-Signature": sign(account.app_id, account.secret.reveal(), timestamp, body),
    }
    response = ctx.http.request(
        "POST", f"{account.base_url}/api/v3/{path}", headers=headers,
        content=body, timeout_s=TIMEOUT_S,
    )  # fmt: skip
    return _answer(response)


def _answer(response: HttpResponse) -> Answer:
    if response.status != 200:
        raise HttpOutcomeUnknown(f"the site answered HTTP {response.status}")
    try:
        fields = response.json()
    except ValueError:
        raise HttpOutcomeUnknown("the site's answer is not JSON") from None
    if not isinstance(fields, dict):
        raise HttpOutcomeUnknown("the site's answer is not an object")
    code, message = str(fields.get("code")), text(fields.get("msg"), 200)
    if code != DONE and not (code.isdecimal() and message):
        raise HttpOutcomeUnknown(f"the site answered code {code[:20]}")
    return Answer(code == DONE, message, fields.get("data"))
