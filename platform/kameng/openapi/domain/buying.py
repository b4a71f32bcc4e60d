"""What a wanted purchase must look like, and what makes two of them the same. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from kameng.openapi.domain.facts import Buy

NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
SKU = re.compile(r"[^\x00-\x20\x7f]{1,100}")
MOST_QUANTITY = 100_000
MOST_INPUTS = 12
MOST_TEXT = 500
MOST_URL = 2_000
MOST_TOTAL = 10**15


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with which field."""

    code: str
    field: str


def check(wanted: Buy) -> Problem | None:
    """The first thing that is wrong, before anything is looked up."""
    if not NUMBER.fullmatch(wanted.merchant_order_no):
        return Problem("field_invalid", "merchant_order_no")
    if not SKU.fullmatch(wanted.sku) or not keepable(wanted.sku):
        return Problem("sku_unknown", "sku")
    if not 1 <= wanted.quantity <= MOST_QUANTITY:
        return Problem("quantity_invalid", "quantity")
    if wanted.max_total is not None and not 0 <= wanted.max_total <= MOST_TOTAL:
        return Problem("field_invalid", "max_total")
    if len(wanted.inputs) > MOST_INPUTS or any(map(_odd_pair, wanted.inputs.items())):
        return Problem("inputs_invalid", "inputs")
    if len(wanted.notify_url) > MOST_URL or not keepable(wanted.notify_url):
        return Problem("notify_url_invalid", "notify_url")
    if wanted.flash_sale and wanted.quantity != 1:
        return Problem("quantity_invalid", "quantity")  # one for each buyer
    return None


def idempotency_key(member_id: int, merchant_order_no: str) -> str:
    """The order's unique key at its station: numbers belong to the member, not to one key."""
    return f"api:{member_id}:{merchant_order_no}"


def merchant_number(key: str) -> str:
    """The member's own number back from it; "" for an order that no program has made."""
    return key.split(":", 2)[2] if key.startswith("api:") else ""


def fingerprint(dialect: str, wanted: Buy) -> bytes:
    """Tells a repeat from another request under the same number."""
    parts = [
        dialect, wanted.sku, wanted.quantity, sorted(wanted.inputs.items()), wanted.max_total,
        wanted.notify_url,
    ]  # fmt: skip
    if wanted.flash_sale:
        parts.append(wanted.flash_sale)
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def _odd_pair(pair: tuple[str, str]) -> bool:
    return len(pair[0]) > 60 or len(pair[1]) > MOST_TEXT or not all(map(keepable, pair))


def keepable(text: str) -> bool:
    """Whether PostgreSQL can keep a text: no NUL, and no half of a surrogate pair."""
    return "\0" not in text and (
        text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)
    )
