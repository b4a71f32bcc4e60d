"""Calls to the site: signed requests, and doubt kept as doubt."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown, Misconfigured

from .account import DujiaoAccount
from .signing import signature

TIMEOUT_S = 10.0
MOST_WORDS = 200

# The door: what is refused there was not looked at.
LOCKED = frozenset({
    "missing_auth_headers", "invalid_timestamp", "timestamp_expired", "invalid_signature",
    "invalid_api_key", "user_disabled",
})  # fmt: skip
# Refusals of an order that the protocol documents, each with its one HTTP status: nothing was
# done. All else that says no (500 internal_error, a proxy's 429, other codes) proves nothing.
REFUSALS = {
    "bad_request": 400, "invalid_callback_url": 400, "sku_unavailable": 400,
    "product_unavailable": 400, "insufficient_balance": 402, "insufficient_stock": 409,
    "payment_failed": 200,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object from the site; ``ok`` is its own word for success."""

    status: int
    ok: bool
    fields: Mapping[str, Any]

    @property
    def code(self) -> str:
        """The error's code, or an empty text."""
        return _words(self.fields.get("error_code"))

    def read(self) -> Mapping[str, Any]:
        """The fields of a success. A refused question says nothing of any purchase, so it is
        `Misconfigured` at the door and `HttpOutcomeUnknown` behind it, never `Declined`."""
        if self._locked:
            raise Misconfigured(f"上游拒绝了凭证：{self.code}")
        if not self.ok or self.status != 200:
            raise HttpOutcomeUnknown(f"HTTP {self.status} {self.code or 'without a code'}")
        return self.fields

    def ordered(self) -> Mapping[str, Any]:
        """The fields of a success; raises `Declined` for a sure no, else `HttpOutcomeUnknown`."""
        if self._locked or self._refused:
            raise Declined(self.code, _words(self.fields.get("error_message")))
        return self.read()

    @property
    def _locked(self) -> bool:
        return not self.ok and self.status in (401, 403) and self.code in LOCKED

    @property
    def _refused(self) -> bool:
        if self.ok or REFUSALS.get(self.code) != self.status:
            return False
        # An order exists here, unlike with the others: it must say that it is gone.
        return self.code != "payment_failed" or self.fields.get("status") == "canceled"


def call(
    ctx: CallContext,
    account: DujiaoAccount,
    method: str,
    what: str,
    fields: Mapping[str, Any] | None = None,
    query: str = "",
) -> Answer:
    """One signed request; ``what`` follows ``/api/v1/upstream/``.

    Raises `HttpOutcomeUnknown` for everything that is not an answer of the protocol.
    """
    url = f"{account.base_url}/api/v1/upstream/{what}"
    body = b"" if fields is None else json.dumps(fields, ensure_ascii=False).encode()
    timestamp = str(int(ctx.clock.now().timestamp()))
    secret = account.api_secret.reveal()
    headers = {
        "Content-Type": "application/json",
        "Dujiao-Next-Api-Key": account.api_key,
        "Dujiao-Next-Timestamp": timestamp,
        "Dujiao-Next-Signature": signature(secret, method, urlsplit(url).path, timestamp, body),
    }
    response = ctx.http.request(
        method,
        f"{url}?{query}" if query else url,
        headers=headers,
        content=body or None,
        timeout_s=TIMEOUT_S,
    )
    return _read(response)


def _read(response: HttpResponse) -> Answer:
    # A redirect that were followed would carry the signed order elsewhere.
    if not (200 <= response.status < 300 or 400 <= response.status < 500):
        raise HttpOutcomeUnknown(f"the site answered HTTP {response.status}")
    try:
        fields = response.json()
    except ValueError:
        raise HttpOutcomeUnknown("the site's answer is not JSON") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("ok"), bool):
        raise HttpOutcomeUnknown("the site's answer does not say whether it is ok")
    return Answer(response.status, fields["ok"], fields)


def _words(value: object) -> str:
    return value[:MOST_WORDS] if isinstance(value, str) else ""
