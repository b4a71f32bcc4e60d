"""Fields of answers: the site sends the same thing as a number here and as text there."""

from __future__ import annotations

from decimal import Decimal

from kameng_sdk.money import Money


def text(value: object, most: int = 255) -> str:
    """A number or text as text that can be stored; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return ""
    kept = str(value).replace("\0", "").encode("utf-8", "ignore").decode()
    return kept.strip()[:most]


def whole(value: object) -> int | None:
    """A whole number that is not negative, or None."""
    digits = text(value)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None


def amount(value: object) -> Money | None:
    """Yuan with up to four places that count, or None: `1`, `"0.0100"`, `3.05`."""
    digits = text(value)
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    try:
        money = Money.parse(digits)
    except ValueError:
        return None
    return money if money >= Money.zero() else None
