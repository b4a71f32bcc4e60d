"""An order as the interface is asked for it."""

import json
import re
from dataclasses import dataclass
from typing import Any

from kameng_sdk.money import Money

from .door import Problem

NUMBER = re.compile(r"[\x21-\x7e]{1,64}")
NEEDED = ("sku", "quantity", "merchant_order_no")
KNOWN = {*NEEDED, "inputs", "max_total", "notify_url"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be bought; ``cap`` is for all of it."""

    sku: str
    quantity: int
    number: str
    inputs: dict[str, str]
    cap: Money | None
    notify_url: str


def read_wish(body: bytes) -> Wanted:
    """Raises `Problem`. Of an address only the scheme is looked at, since demos are local."""
    try:
        asked = json.loads(body)
    except ValueError:
        raise Problem("json_invalid") from None
    if not isinstance(asked, dict):
        raise Problem("json_invalid")
    if set(asked) - KNOWN:
        raise Problem("unknown_field")
    if set(NEEDED) - set(asked):
        raise Problem("field_missing")
    return _checked(asked)


def _checked(asked: dict[str, Any]) -> Wanted:
    inputs, number = asked.get("inputs", {}), asked["merchant_order_no"]
    url = asked.get("notify_url", "")
    texts = isinstance(inputs, dict) and all(isinstance(value, str) for value in inputs.values())
    if not texts or not isinstance(asked["sku"], str) or type(asked["quantity"]) is not int:
        raise Problem("field_invalid")
    if not isinstance(number, str) or not NUMBER.fullmatch(number):
        raise Problem("field_invalid")
    if not isinstance(url, str) or (url and not url.startswith(("http://", "https://"))):
        raise Problem("notify_url_invalid")
    return Wanted(
        sku=asked["sku"], quantity=asked["quantity"], number=number, inputs=inputs,
        cap=_cap(asked.get("max_total")), notify_url=url,
    )  # fmt: skip


def _cap(given: Any) -> Money | None:
    if given is None:
        return None
    try:
        return Money.parse(given)
    except (TypeError, ValueError):
        raise Problem("field_invalid") from None
