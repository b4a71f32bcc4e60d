"""Rules of flash sales. Pure: the clock and randomness are passed in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MOST_UNITS = 5_000
FEW_PERCENT = 10

State = Literal["planned", "running", "ended", "cancelled"]
Band = Literal["none", "few", "some", "plenty"]
Tone = Literal["ok", "warn", "idle", "info"]
TONES: Mapping[State, Tone] = {
    "planned": "info", "running": "ok", "ended": "idle", "cancelled": "idle",
}  # fmt: skip
CLOSED = frozenset({"ended", "cancelled"})


@dataclass(frozen=True, slots=True)
class Terms:
    """What a station wants to sell in a flash: price at scale 4, whole fen; one for each buyer."""

    sku_code: str
    price: int
    units: int
    starts_at: datetime
    ends_at: datetime


def sale_number(now: datetime, random_part: int) -> str:
    """F, YYMM and ten random digits: cannot be guessed or counted."""
    return f"F{now:%y%m}{random_part % 10**10:010d}"


def is_sale_number(text: str) -> bool:
    """Whether a text may be the number of a sale."""
    return len(text) == 15 and text[0] == "F" and text[1:].isascii() and text[1:].isdigit()


def state_at(stored: State, starts_at: datetime, ends_at: datetime, now: datetime) -> State:
    """What a sale is at this moment: its times count, whether a job has written it down or not."""
    if stored in CLOSED:
        return stored
    if now >= ends_at:
        return "ended"
    return "running" if now >= starts_at else "planned"


def band(left: int, units: int) -> Band:
    """How much is left, as buyers are told: exact numbers would be old before they are read."""
    if left <= 0:
        return "none"
    if left * 100 <= units * FEW_PERCENT:
        return "few"
    return "some" if left * 2 <= units else "plenty"


def buyer_mark(buyer: str) -> str:
    """A buyer as the gate knows it: no login and no telephone number lies in Redis."""
    return hashlib.blake2s(buyer.encode(), digest_size=12).hexdigest()
