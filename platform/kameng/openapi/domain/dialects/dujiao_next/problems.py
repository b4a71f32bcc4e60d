"""Refusals in the protocol's own words. Only documented ones are a sure no to its clients."""

from __future__ import annotations

from collections.abc import Mapping

from kameng.openapi.domain.dialects.wire import code_of_http
from kameng.openapi.domain.refusals import REFUSALS

# The document's codes, each with its one HTTP status.
STATUS: Mapping[str, int] = {
    "missing_auth_headers": 401, "invalid_timestamp": 401, "timestamp_expired": 401,
    "invalid_signature": 401, "invalid_api_key": 401, "user_disabled": 403,
    "bad_request": 400, "invalid_callback_url": 400, "sku_unavailable": 400,
    "product_unavailable": 400, "product_not_found": 404, "order_not_found": 404,
    "insufficient_balance": 402, "insufficient_stock": 409, "cancel_not_allowed": 409,
    "internal_error": 500,
}  # fmt: skip
# Ours in theirs. What the document has no word for gets the nearest one that is as sure.
WORDS: Mapping[str, str] = {
    "key_unknown": "invalid_api_key", "ip_refused": "invalid_api_key",
    "scope_missing": "invalid_api_key", "dialect_off": "invalid_api_key",
    "dialect_wrong": "invalid_api_key", "member_locked": "user_disabled",
    "signature_invalid": "invalid_signature",
    "insufficient_balance": "insufficient_balance", "out_of_stock": "insufficient_stock",
    "sku_unknown": "sku_unavailable", "not_on_sale": "sku_unavailable",
    "station_closed": "product_unavailable", "risk_blocked": "product_unavailable",
    "notify_url_invalid": "invalid_callback_url", "order_unknown": "order_not_found",
}  # fmt: skip


class Problem(Exception):
    """A refusal; ``message`` is for people."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(code)
        self.code, self.message = code, message
        self.status = status or STATUS[code]

    def fields(self) -> dict[str, object]:
        """As the protocol says no."""
        return {"ok": False, "error_code": self.code, "error_message": self.message}


def problem_of(code: str, status: int, said: str = "") -> Problem:
    """One of our refusals (or of HTTP's) as one of theirs; ``said`` is more exact than its name."""
    known = REFUSALS.get(code) or REFUSALS[code_of_http(status)]
    message = said or known.chinese
    if code in WORDS:
        return Problem(WORDS[code], message)
    if code == "conflict":
        # Not with 400, by which clients know that nothing was bought: something was.
        return Problem("bad_request", message, status)
    if status >= 500:
        return Problem("internal_error", message, status)
    if status == 429:
        return Problem("too_many_requests", message, status)
    # The body was understood and is wrong (400), or was not even looked at (404, 405, 413).
    return Problem("bad_request", message, status if status in (404, 405, 413) else 400)
