"""One call: exactly the signed bytes are sent, and doubt about the answer stays doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown

from .account import KasushouAccount
from .refusals import refusal_code
from .signing import request_body, request_sign
from .values import text

TIMEOUT_S = 15.0
DONE, REFUSED = "200", "400"


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
    ctx: CallContext, account: KasushouAccount, path: str, fields: Mapping[str, object]
) -> Answer:
    """Raises `HttpOutcomeUnknown` for everything but the codes 200 and 400.

    500 is the site's own word for "unknown"; a redirect is never followed.
    """
    body = request_body(fields)
    timestamp = str(int(ctx.clock.now().timestamp() * 1000))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "UserId": account.user_id,
        "Timestamp": timestamp,
        "Sign": request_sign(timestamp, body, account.key.reveal()),
    }
    response = ctx.http.request(
        "POST", f"{account.base_url}/api/v1/{path}", headers=headers,
        content=body.encode(), timeout_s=TIMEOUT_S,
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
    if code not in (DONE, REFUSED):
        raise HttpOutcomeUnknown(f"the site answered code {code[:20]}: {message}")
    return Answer(code == DONE, message, fields.get("data"))
