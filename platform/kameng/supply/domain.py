"""Purchases: their numbers, and what an answer of a supplier means. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from kameng_sdk.outcomes import Outcome

State = Literal["created", "sent", "succeeded", "declined", "unknown"]

OPEN_STATES: tuple[State, ...] = ("created", "sent", "unknown")
DEFAULT_SUPPLIER = "supplier-manual"  # a person at the main station's desk
FIRST_QUERY_S = 30
PERSON = 0  # as a wait: no machine asks again, a person decides


@dataclass(frozen=True, slots=True)
class Next:
    """What becomes of a purchase. `query_in_s`: when to call again, `PERSON` for never."""

    state: State
    query_in_s: int = PERSON


def purchase_no(station_id: int, order_id: int, attempt: int, month: str) -> str:
    """`month` (YYMM) and 16 digits; the same attempt of the same order has the same number.

    So two workers that start at the same time cannot create two purchases, and suppliers that
    see the numbers of all stations still see each only once.
    """
    digest = hashlib.sha256(f"purchase/{station_id}/{order_id}/{attempt}".encode()).digest()
    return f"{month}{int.from_bytes(digest[:8], 'big') % 10**16:016d}"


def after_purchase(
    outcome: Outcome, *, retry_after_s: int | None, misconfigured: bool, can_query: bool
) -> Next:
    """The state after the first call. What was surely not sent goes back to `created`."""
    if outcome is Outcome.SUCCEEDED:
        return Next("succeeded")
    if outcome is Outcome.DECLINED:
        if retry_after_s is not None:
            return Next("created", max(1, retry_after_s))
        if misconfigured:  # the settings are at fault, not the order: no refund for that
            return Next("created", 600)
        return Next("declined")
    state: State = "sent" if outcome is Outcome.PENDING else "unknown"
    return Next(state, FIRST_QUERY_S if can_query else PERSON)


def after_query(outcome: Outcome, *, answered: bool, waited_s: int) -> Next:
    """The state after asking with the same number.

    Only an answer of the supplier counts (`answered`): that we could not ask is no refusal.
    """
    if answered and outcome is Outcome.SUCCEEDED:
        return Next("succeeded")
    if answered and outcome is Outcome.DECLINED:
        return Next("declined")
    wait = min(600, max(15, waited_s // 2))
    return Next("sent" if answered and outcome is Outcome.PENDING else "unknown", wait)
