"""What becomes of an order of the sandbox: the end of its number and its age decide. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["paid", "fulfilling", "delivered", "refunded"]
Decision = Literal["open", "accepted", "declined"]

BALANCE = 10_000_0000  # 10 000.00 yuan at scale 4, the same for every key
KEPT_DAYS = 90
SLOW_S = FAIL_S = 30
TOP_UP_S = 5  # what is not a card takes a moment
DECIDED_S = 5  # so long a request for money back is open
SLOW, HOLD, FAIL = "-slow", "-hold", "-fail"
REFUSED = {"-stock": "out_of_stock", "-funds": "insufficient_balance", "-busy": "unavailable"}
DECLINED = "-decline"  # at the end of a request's number: staff says no


@dataclass(frozen=True, slots=True)
class Course:
    """Where an order has got to. ``delivered_s``: its age when it was delivered, None: never."""

    state: State
    refunded: int
    delivered_s: int | None


def refusal_of(merchant_order_no: str) -> str | None:
    """The code of the refusal that a number asks for, None when it asks for none."""
    return next((code for end, code in REFUSED.items() if merchant_order_no.endswith(end)), None)


def story(kind: str, merchant_order_no: str) -> Sequence[tuple[int, State]]:
    """States of an order with the age in seconds at which each begins."""
    if merchant_order_no.endswith(HOLD):
        return ((0, "paid"),)
    if merchant_order_no.endswith(SLOW):
        return ((0, "paid"), (SLOW_S, "delivered"))
    if merchant_order_no.endswith(FAIL):
        return ((0, "paid"), (FAIL_S, "refunded"))
    if kind == "card":
        return ((0, "delivered"),)
    return ((0, "fulfilling"), (TOP_UP_S, "delivered"))


def course(
    kind: str, merchant_order_no: str, age_s: float, total: int, back: int = 0,
    back_s: float | None = None,
) -> Course:  # fmt: skip
    """The order at an age. ``back`` has been given back on request by now, the last of it at the
    age of ``back_s``: what was given back as a whole is not delivered any more.
    """
    state, delivered_s = story(kind, merchant_order_no)[0][1], None
    for after, then in story(kind, merchant_order_no):
        if age_s < after or (back >= total and back_s is not None and back_s <= after):
            break
        state = then
        delivered_s = after if then == "delivered" else delivered_s
    if state == "refunded" or back >= total:
        return Course("refunded", total, delivered_s)
    return Course(state, back, delivered_s)


def decision(request_no: str, age_s: float) -> Decision:
    """What has become of a request for money back."""
    if age_s < DECIDED_S:
        return "open"
    return "declined" if request_no.endswith(DECLINED) else "accepted"


def refund_room(state: State, total: int, refunded: int) -> tuple[int, bool]:
    """What can be given back, and whether only as a whole: the rule of real orders."""
    whole = state in ("paid", "fulfilling")
    return (total - refunded if whole or state == "delivered" else 0), whole


def card_text(order_no: str, number: int) -> str:
    """Number and code of a card that is none."""
    return f"SANDBOX-{order_no}-{number}"
