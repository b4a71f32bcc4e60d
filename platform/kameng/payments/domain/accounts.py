"""Which of several accounts may take a payment: hours, limits, devices and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import IntEnum

from kameng.breaker import Breaker


class Unfit(IntEnum):
    """Why an account cannot take a payment; the smaller, the sooner a shopper can help it."""

    DEVICE = 1
    TOO_SMALL = 2
    TOO_LARGE = 3
    CLOSED = 4
    LIMIT = 5
    FUNDS = 6
    BROKEN = 7
    OFF = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When an account may be used; as it stands, always. Amounts at scale 4, inclusive.

    `opens` and `closes` go by the clock in China; `devices` empty is everywhere.
    """

    weight: int = 100
    minimum: int | None = None
    maximum: int | None = None
    daily_limit: int | None = None
    opens: time | None = None
    closes: time | None = None
    devices: frozenset[str] = frozenset()
    breaker: Breaker = field(default_factory=Breaker)


def is_open(opens: time | None, closes: time | None, at: time) -> bool:
    """Whether `at` is in opening hours; closing before opening means over midnight."""
    if opens is None or closes is None or opens == closes:
        return True
    if opens < closes:
        return opens <= at < closes
    return at >= opens or at < closes


def fits_device(allowed: frozenset[str], device: str) -> bool:
    """Whether it works there; no word on either side is yes."""
    return not allowed or not device or device in allowed


def unfit(terms: Terms, amount: int, device: str, local: datetime, now: datetime) -> Unfit | None:
    """The first reason against an account, None when it may be used. `local` is China's clock."""
    if terms.weight <= 0:
        return Unfit.OFF
    if not fits_device(terms.devices, device):
        return Unfit.DEVICE
    if terms.minimum is not None and amount < terms.minimum:
        return Unfit.TOO_SMALL
    if terms.maximum is not None and amount > terms.maximum:
        return Unfit.TOO_LARGE
    if not is_open(terms.opens, terms.closes, local.time()):
        return Unfit.CLOSED
    if terms.breaker.is_broken(now):
        return Unfit.BROKEN
    return None


def by_weight(weights: Sequence[int], chances: Sequence[int]) -> list[int]:
    """Positions in the order in which to try them; `chances` are large random whole numbers.

    How often each comes first is its share of all weights; weight 0 never comes.
    """
    left = [position for position, weight in enumerate(weights) if weight > 0]
    order: list[int] = []
    for chance in chances[: len(left)]:
        mark = chance % sum(weights[position] for position in left)
        for position in left:
            mark -= weights[position]
            if mark < 0:
                order.append(position)
                left.remove(position)
                break
    return order
