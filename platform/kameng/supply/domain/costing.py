"""How a SKU's cost follows its best offer, and when a cost must stop the sale. Pure.

All amounts are of one piece, at scale 4; ``_bp`` are hundredths of a percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BP = 10_000
MAX_COST = 10**10  # a million yuan, the most a cost can be

OnRise = Literal["reprice", "pause", "ask"]
Paused = Literal["", "cost", "ask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How one SKU follows what suppliers ask; the defaults count where nobody has set anything."""

    on_rise: OnRise = "reprice"
    follow: bool = True
    only_raise: bool = False
    add_bp: int = 0
    add_amount: int = 0
    least_cost: int | None = None
    loss_bp: int = 0
    when_none: Literal["refund", "desk"] = "refund"


def cost_from(offer_cost: int, policy: Policy) -> int:
    """What a piece at this offer costs us: with the addition, rounded up, at least the least."""
    added = -(-offer_cost * (BP + policy.add_bp) // BP) + policy.add_amount
    return min(max(added, policy.least_cost or 0), MAX_COST)


def next_cost(policy: Policy, present: int | None, best: int | None) -> int | None:
    """The cost that a SKU gets now, None when it stays. ``best``: the best offer's cost."""
    if best is None or not policy.follow:
        return None
    wanted = cost_from(best, policy)
    if present is not None and (wanted == present or (policy.only_raise and wanted < present)):
        return None
    return wanted


def guarded_cost(cost: int | None, best: int | None) -> int | None:
    """The cost that the guard looks at: the SKU's own, or what is really asked if that is more."""
    known = [value for value in (cost, best) if value is not None]
    return max(known) if known else None


def endangered(cost: int | None, lowest_price: int | None, loss_bp: int = 0) -> bool:
    """Whether a sale at the lowest retail price would bring nothing or less.

    ``loss_bp`` is how far below its cost a piece may be sold.
    """
    if cost is None or lowest_price is None:
        return False
    return cost * BP >= lowest_price * (BP + loss_bp)


def pause(policy: Policy, before: str, in_danger: bool) -> Paused:
    """Why a SKU is not sold now, "" when it is. What a person was asked, only a person answers."""
    if before == "ask":
        return "ask"
    if not in_danger:
        return ""
    return "ask" if policy.on_rise == "ask" else "cost"
