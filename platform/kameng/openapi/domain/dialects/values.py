"""Values of requests whose senders are loose with types: a number here is a text there.

Every function raises `DomainError` with a code of the catalogue and the field's name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kameng.errors import DomainError
from kameng.openapi.domain.buying import NUMBER, keepable
from kameng_sdk.money import Money

LONGEST_TEXT = 2_000
MOST_PIECES = 1_000_000
MOST_DIGITS = 18  # what fits a database's bigint whatever the digits are


def json_object(body: bytes, *, exact: bool = True) -> dict[str, Any]:
    """A JSON object in UTF-8 whose names come once; ``exact`` keeps fractions as written."""
    try:
        found = json.loads(
            body.decode(), object_pairs_hook=once, parse_float=str if exact else float,
            parse_constant=_never,
        )  # fmt: skip
    except (ValueError, RecursionError):
        raise DomainError("json_invalid") from None
    if not isinstance(found, dict):
        raise DomainError("json_invalid")
    return found


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Pairs as a mapping: two readers might take different ones of a name that comes twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DomainError("duplicate_parameter")
    return found


def text(fields: Mapping[str, Any], name: str, most: int = LONGEST_TEXT) -> str:
    """A text or a whole number as text without space around it; "" when it is missing."""
    value = fields.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise DomainError("field_invalid", field=name)
    found = str(value).strip()
    if len(found) > most or not keepable(found):
        raise DomainError("field_invalid", field=name)
    return found


def needed(fields: Mapping[str, Any], name: str, most: int = LONGEST_TEXT) -> str:
    """The same, which must be there."""
    found = text(fields, name, most)
    if not found:
        raise DomainError("field_missing", field=name)
    return found


def whole(fields: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """A whole number from 0; without a ``default`` it must be there."""
    digits = needed(fields, name) if default is None else text(fields, name)
    if not digits and default is not None:
        return default
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS):
        raise DomainError("field_invalid", field=name)
    return int(digits)


def pieces(fields: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """How many are to be bought; whether a SKU is sold in such numbers is decided elsewhere."""
    quantity = whole(fields, name, default)
    if not 1 <= quantity <= MOST_PIECES:
        raise DomainError("quantity_invalid")
    return quantity


def yuan(fields: Mapping[str, Any], name: str) -> int | None:
    """An amount in yuan at scale 4; None when it is missing. Zeros behind the fourth place pass."""
    digits = text(fields, name)
    if not digits:
        return None
    head, dot, places = digits.partition(".")
    try:
        amount = Money.parse(head + dot + places[:4]).amount
    except ValueError:
        raise DomainError("field_invalid", field=name) from None
    if amount < 0 or places[4:].strip("0"):
        raise DomainError("field_invalid", field=name)
    return amount


def merchant_number(fields: Mapping[str, Any], name: str) -> str:
    """The buyer's own number of an order."""
    number = needed(fields, name)
    if not NUMBER.fullmatch(number):
        raise DomainError("field_invalid", field=name)
    return number


def _never(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
