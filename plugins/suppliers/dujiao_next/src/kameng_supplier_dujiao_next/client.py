"""Calls to the site: signed requests, and doubt kept as doubt."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown

from .account import DujiaoAccount
from .signing import signature

TIMEOUT_S = 10.0
MOST_WORDS = 200

# Refusals that the protocol documents, each with its one HTTP status: nothing was done. All else
# that says no (500 internal_error, a proxy's 429, a code that is not here) proves nothing.
REFUSALS = {
    "missing_auth_headers": (401, 403), "invalid_timestamp": (401, 403),
    "timestamp_expired": (401, 403), "invalid_signature": (401, 403),
    "invalid_api_key": (401, 403), "user_disabled": (401, 403),
    "bad_request": (400,), "invalid_callback_url": (400,), "sku_unavailable": (400,),
    "product_unavailable": (400, 404), "product_not_found": (404,),
    "insufficient_balance": (402,), "insufficient_stock": (409,),
    "payment_failed": (200,),
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

    @property
    def refused(self) -> bool:
        """Whether this is a documented no. The failed payment must say that the order is gone."""
        if self.ok or self.status not in REFUSALS.get(self.code, ()):
            return False
        return self.code != "payment_failed" or self.fields.get("status") == "canceled"

    def demand(self) -> Mapping[str, Any]:
        """The fields of a success; raises `Declined` for a sure no, else `HttpOutcomeUnknown`."""
        if self.refused:
            raise Declined(self.code, _words(self.fields.get("error_message")))
        if not self.ok or self.status != 200:
            raise HttpOutcomeUnknown(f"HTTP {self.status} {self.code or 'without a code'}")
        return self.fields


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
