"""What the dialects with ids of their own share: ids, totals, refusals of the web."""

from __future__ import annotations

from kameng_sdk.money import UNITS_PER_FEN

MOST_ID = 2**63 - 1  # the database's own
# Refusals of the web itself by our own names.
_OF_HTTP = {
    404: "not_found", 405: "method_not_allowed", 413: "too_large", 421: "unknown_host",
    429: "too_many", 503: "unavailable",
}  # fmt: skip


def row_id(text: str) -> int | None:
    """An id in digits, or None for what can be no id."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 19:
        return None
    number = int(text)
    return number if 0 < number <= MOST_ID else None


def total_of(price: int, quantity: int) -> int:
    """What so many pieces cost: whole fen, half a fen up, as orders are placed (design §6)."""
    return (price * quantity + UNITS_PER_FEN // 2) // UNITS_PER_FEN * UNITS_PER_FEN


def code_of_http(status: int) -> str:
    """A refusal of the web, under the name of ours that says the same."""
    return _OF_HTTP.get(status) or ("internal" if status >= 500 else "bad_request")
