"""The recent watch: who fails now is asked after the others, or no longer at all. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

WHOLE_BP = 10_000
MARGIN_BP = 500  # a demotion ends only this far above its limit, so that it does not flap
HELD_S = 6 * 3600  # the daily card lifts no demotion that is younger
BEST_WHEN_DEMOTED = "C"

Verdict = Literal["", "demote", "pause"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchLimits:
    """Success rates in basis points over the last `purchases` ended ones."""

    purchases: int
    demote_below_bp: int
    pause_below_bp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """The last purchases of one supplier: how many there were, and the rate they came to."""

    count: int
    rate_bp: int


def recent_rate(newest_first: Sequence[bool], wanted: int) -> Recent:
    """Success rate of the last `wanted` purchases.

    What is missing to that number counts as good: a supplier that is seldom asked is judged by
    how often it failed and not by one bad answer out of one.
    """
    seen = newest_first[:wanted]
    failed = len(seen) - sum(seen)
    return Recent(count=len(seen), rate_bp=(wanted - failed) * WHOLE_BP // wanted)


def verdict(recent: Recent, limits: WatchLimits) -> Verdict:
    """What follows at once. A pause needs the full number of purchases."""
    if recent.count >= limits.purchases and recent.rate_bp < limits.pause_below_bp:
        return "pause"
    return "demote" if recent.rate_bp < limits.demote_below_bp else ""


def has_recovered(since_demotion: Recent, limits: WatchLimits) -> bool:
    """Whether a full number of purchases after the demotion went clearly well."""
    enough = min(WHOLE_BP, limits.demote_below_bp + MARGIN_BP)
    return since_demotion.count >= limits.purchases and since_demotion.rate_bp >= enough


def daily_may_lift(held_s: float, recent: Recent, limits: WatchLimits) -> bool:
    """Whether the daily card may end a demotion: it is old enough, and nothing is bad now."""
    return held_s >= HELD_S and verdict(recent, limits) == ""
