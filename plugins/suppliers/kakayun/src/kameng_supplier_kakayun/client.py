"""Calls to the supplier: signed JSON out, a code back, and doubt kept as doubt."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from kameng_sdk.context import CallContext
from kameng_sdk.errors import HttpOutcomeUnknown, TemporarilyUnavailable

from .account import KakayunAccount
from .signing import sign

TIMEOUT_S = 10.0
OK, TOO_OFTEN, DUPLICATE, NO_SUCH_ORDER = 1, 404, 1205, 1301
LISTING_PAUSE_S = 5  # `goods/all` once in five seconds is the strictest limit of the papers


@dataclass(frozen=True, slots=True)
class Answer:
    """``code`` as the papers list them; ``data`` is whatever came under that name."""

    code: int
    message: str
    data: object
    fields: Mapping[str, object]

    @property
    def ok(self) -> bool:
        return self.code == OK

    def row(self) -> Mapping[str, object]:
        """The data as one object; empty when it is none."""
        return self.data if isinstance(self.data, dict) else {}


def place(ctx: CallContext, account: KakayunAccount, params: Mapping[str, object]) -> Answer:
    """The one call that buys; it goes to the supplier's own site."""
    return _call(ctx, account, f"{account.site_url}/dockapiv3/order/create", params)


def ask(
    ctx: CallContext, account: KakayunAccount, path: str, params: Mapping[str, object]
) -> Answer:
    """Any other call, to the common address. Asked too often: `TemporarilyUnavailable`."""
    answer = _call(ctx, account, f"{account.api_url}/dockapiv3/{path}", params)
    if answer.code == TOO_OFTEN:
        raise TemporarilyUnavailable(LISTING_PAUSE_S, "asked too often")
    return answer


def _call(
    ctx: CallContext, account: KakayunAccount, url: str, params: Mapping[str, object]
) -> Answer:
    now = int(ctx.clock.now().timestamp())
    signed = {**params, "userid": account.userid, "timestamp": now}
    signed["sign"] = sign(signed, account.key.reveal())
    response = ctx.http.request(
        "POST",
        url,
        headers={"Content-Type": "application/json;charset=utf-8"},
        content=json.dumps(signed, ensure_ascii=False).encode(),
        timeout_s=TIMEOUT_S,
    )
    if response.status != 200:
        raise HttpOutcomeUnknown(f"the supplier answered HTTP {response.status}")
    try:
        return _read(response.json())
    except ValueError:
        raise HttpOutcomeUnknown("the supplier's answer is not its JSON") from None


def _read(fields: object) -> Answer:
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    # A bool is an int in Python and no code there.
    code = fields.get("code")
    if isinstance(code, bool) or not isinstance(code, (int, str)):
        raise ValueError("no code")
    return Answer(int(code), str(fields.get("msg") or "")[:200], fields.get("data"), fields)
