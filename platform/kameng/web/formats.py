"""How amounts, times and numbers read on a page."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import format_datetime, get_locale
from markupsafe import Markup

from kameng.runtime import current_settings

SCALE = 10_000
MINUS = "−"
_TENS = (1, 10, 100, 1_000, 10_000)

_PATTERNS = {
    "short": "MM-dd HH:mm",
    "time": "HH:mm:ss",
    "date": "yyyy-MM-dd",
    "full": "yyyy-MM-dd HH:mm:ss",
}


def split_amount(amount: int, places: int) -> tuple[str, str, str]:
    """(sign, whole with commas, decimals) of an amount at scale 4, rounded half up."""
    unit = _TENS[4 - places]
    units = (abs(amount) + unit // 2) // unit
    whole, rest = divmod(units, _TENS[places])
    sign = MINUS if amount < 0 and units else ""
    return sign, f"{whole:,}", f"{rest:0{places}d}" if places else ""


def plain_money(amount: int, places: int = 4) -> str:
    """`1,234.5000`: wholesale, cost and ledger columns; no yuan sign."""
    sign, whole, rest = split_amount(amount, places)
    return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole}"


def money(amount: int, places: int = 2) -> Markup:
    """`¥95.50` with a small yuan sign and small decimals."""
    return Markup(yuan(amount, places))


def yuan(amount: int, places: int = 2) -> str:
    """The same as a plain string of HTML, for what is put together by hand."""
    sign, whole, rest = split_amount(amount, places)
    decimals = f'<span class="d">.{rest}</span>' if rest else ""
    # A sign, digits and commas: nothing to escape.
    return f'<span class="km-money">{sign}<span class="y">¥</span>{whole}{decimals}</span>'


def dt(value: datetime | None, fmt: str = "short") -> str:
    """A moment in the shop's time zone; formats: short, time, date, full. None reads `—`."""
    if value is None:
        return "—"
    local = value.astimezone(ZoneInfo(current_settings().timezone))
    return str(format_datetime(local, _PATTERNS[fmt], rebase=False))


def order_no(number: str) -> str:
    """Order numbers in groups of four, so that they can be read aloud."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def mask_phone(value: str) -> str:
    """`138****1234`; e-mail keeps its first letter and its domain; other text its ends."""
    if "@" in value:
        name, _, domain = value.partition("@")
        return f"{name[:1]}***@{domain}"
    if len(value) >= 11 and value.lstrip("+").isdigit():
        return f"{value[:3]}****{value[-4:]}"
    return value if len(value) <= 2 else f"{value[:1]}***{value[-1:]}"


def html_lang() -> str:
    """Value of `<html lang>`: zh-CN or en."""
    return "en" if str(get_locale()) == "en" else "zh-CN"
