"""What shoppers send: read with limits, never trusted."""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from flask import request

INPUT_PREFIX = "in."
MAX_INPUT = 200
TOO_MANY = 999_999_999
_KEY = re.compile(r"[A-Za-z0-9_-]{20,64}")
_PHONE = re.compile(r"1[3-9]\d{9}")
_MAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a shopper wants: which SKU, how many, for which account."""

    sku: str
    quantity: int
    inputs: Mapping[str, str]


def read_choice(source: Mapping[str, str] | None = None) -> Choice:
    """SKU, quantity and purchase fields; a quantity that is no number becomes 0, a huge one big."""
    form = request.values if source is None else source
    inputs = {
        name[len(INPUT_PREFIX) :][:40]: value.strip()[:MAX_INPUT]
        for name, value in form.items()
        if name.startswith(INPUT_PREFIX)
    }
    return Choice(form.get("sku", "")[:80], _pieces(form.get("quantity", "1")), inputs)


def _pieces(raw: str) -> int:
    text = raw.strip()
    # Beyond nine digits it is still "too many", not "none".
    return TOO_MANY if text.isascii() and text.isdigit() and len(text) > 9 else whole(text)


def whole(raw: str | None) -> int:
    """A number of at most nine digits, else 0."""
    text = (raw or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def amount(raw: str | None) -> int:
    """A hidden amount at scale 4 as it was shown, else 0."""
    text = (raw or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def yuan(raw: str | None) -> int:
    """`12.5` yuan as an amount at scale 4; 0 for anything that is not money in whole fen."""
    match = re.fullmatch(r"(\d{1,7})(?:\.(\d{1,2}))?", (raw or "").strip())
    if match is None or not (raw or "").isascii():
        return 0
    return int(match[1]) * 10_000 + int((match[2] or "").ljust(2, "0")) * 100


def read_key(raw: str | None) -> str:
    """The form's one-time key; an unusable one is replaced, which makes it a new order."""
    return raw if raw and _KEY.fullmatch(raw) else new_key()


def new_key() -> str:
    """A fresh one-time key: from it the order's look-up secret is derived, so it is random."""
    return secrets.token_urlsafe(24)


def clean_contact(raw: str | None) -> tuple[str, bool]:
    """(contact, is it one). A phone number loses its spaces, a mail address its case."""
    text = (raw or "").strip()[:80]
    digits = re.sub(r"[\s-]", "", text)
    if _PHONE.fullmatch(digits):
        return digits, True
    if _MAIL.fullmatch(text):
        return text.lower(), True
    return text, False


def by_field(errors: Mapping[str, str] | None) -> Mapping[str, str]:
    """Messages by field for a template: a field without one reads as empty."""
    return defaultdict(str, errors or {})


def split_method(raw: str | None) -> tuple[str, str]:
    """`plugin:code` as two parts; empty parts when it is neither."""
    plugin, _, code = (raw or "").partition(":")
    return plugin[:60], code[:40]
