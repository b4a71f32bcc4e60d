"""The order's state machine and its numbers. Pure: the clock and randomness are passed in."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

# What may follow on what. The guarded functions in sql/ move orders; this table says what is right.
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "pending_payment": frozenset({"paid", "cancelled", "expired"}),
    "paid": frozenset({"fulfilling", "delivered", "held", "refunding", "partially_delivered"}),
    "fulfilling": frozenset({"delivered", "partially_delivered", "failed", "refunding"}),
    "held": frozenset({"paid", "delivered", "refunding"}),
    "partially_delivered": frozenset({"delivered", "refunding"}),
    "delivered": frozenset({"completed", "refunding"}),
    "completed": frozenset({"refunding"}),
    "failed": frozenset({"refunding"}),
    # Money that comes late for an order that is over: goods if there are any, else the money back.
    "cancelled": frozenset({"paid"}),
    "expired": frozenset({"paid"}),
    "refunding": frozenset({"refunded"}),
    "refunded": frozenset(),
}
STATES = tuple(TRANSITIONS)
OPEN_STATES = frozenset(
    {"pending_payment", "paid", "fulfilling", "held", "partially_delivered", "refunding"}
)

Tone = Literal["ok", "warn", "bad", "info", "idle"]
TONES: Mapping[str, Tone] = {
    "pending_payment": "warn", "paid": "info", "fulfilling": "info", "delivered": "ok",
    "completed": "ok", "held": "bad", "partially_delivered": "warn", "failed": "bad",
    "cancelled": "idle", "expired": "idle", "refunding": "warn", "refunded": "idle",
}  # fmt: skip


def may_move(source: str, target: str) -> bool:
    """Whether the state machine knows this step."""
    return target in TRANSITIONS.get(source, frozenset())


def order_number(now: datetime, random_part: int) -> str:
    """YYMM and twelve random digits: tells the month, cannot be guessed or counted."""
    return f"{now.year % 100:02d}{now.month:02d}{random_part % 10**12:012d}"


def lookup_secret(secret_key: str, station_id: int, idempotency_key: str) -> str:
    """The guest's look-up secret of an order: 20 characters, 100 bits.

    Derived, so that a repeated request answers with the same secret though only its hash is kept.
    """
    message = f"order secret|{station_id}|{idempotency_key}".encode()
    digest = hmac.new(secret_key.encode(), message, hashlib.sha256).digest()
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without look-alikes
    return "".join(alphabet[byte % 32] for byte in digest[:20])


def secret_digest(secret: str) -> bytes:
    """What is stored of a look-up secret; case and spaces do not matter."""
    plain = "".join(secret.split()).replace("-", "").upper()
    return hashlib.sha256(plain.encode()).digest()


def shopper_key(station_id: int, member_id: int | None, contact: str) -> str:
    """Whose unpaid holds are counted together."""
    if member_id is not None:
        return f"m:{station_id}:{member_id}"
    return f"g:{contact.strip().lower()}"


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """All that a shopper decides about an order. `expected_payable` is the sum shown, scale 4."""

    sku_code: str
    quantity: int
    inputs: Mapping[str, str]
    contact: str
    expected_payable: int
    idempotency_key: str
    ip: str
    member_id: int | None = None
    channel: str = "web"
    flash_sale: str = ""  # the number of the sale that it is to be a unit of

    def content_hash(self) -> bytes:
        """Tells a repeat of the same request from another one under the same key."""
        inputs = "\x1e".join(f"{name}\x1f{self.inputs[name]}" for name in sorted(self.inputs))
        parts = (
            self.sku_code, str(self.quantity), inputs, str(self.member_id), self.channel,
            self.contact, *([self.flash_sale] if self.flash_sale else ()),
        )  # fmt: skip
        return hashlib.sha256("\x1d".join(parts).encode()).digest()


def flash_refusal(sqlstate: str | None, constraint: str | None) -> str:
    """Why an order got no unit of its flash sale, by what PostgreSQL raised; "" for other reasons.

    The unique key speaks when two requests of one buyer come at once.
    """
    if sqlstate == "23505" and constraint == "flash_unit_once":
        return "flash_once"
    return {"KM011": "flash_sold_out", "KM012": "flash_once"}.get(sqlstate or "", "")


def returned_shares(legs: Sequence[int], payable: int, before: int, after: int) -> list[int]:
    """What each leg of a sale gives back when the sum given back rises from `before` to `after`.

    The same rule as `_post_return`: the first greatest leg takes what the others, cut off towards
    zero, leave over. `legs` are cost, margins and rounding of the whole order (scale 4).
    """

    def share(leg: int, refunded: int) -> int:
        size = abs(leg) * refunded // payable
        return size if leg >= 0 else -size

    parts = [share(leg, after) - share(leg, before) for leg in legs]
    big = legs.index(max(legs))
    parts[big] = after - before - (sum(parts) - parts[big])
    return parts
