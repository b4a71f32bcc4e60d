"""A SKU's cost follows its best offer, and a cost that eats the price stops the sale.

Both happen in the transaction that brought the change: no sale comes in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from kameng.catalog.api import put_cost
from kameng.db import db
from kameng.pricing.api import put_prices
from kameng.supply.domain.costing import Paused, endangered, guarded_cost, next_cost, pause
from kameng.supply.services.offering import Supply

ACTOR = "supply"
REPRICED_AT_ONCE = 5_000  # listings; more than that waits, paused, for the job of pricing
REASONS = {"sync": "supplier list", "notice": "supplier notice", "portal": "supplier portal",
           "staff": "mapping", "system": "best offer"}  # fmt: skip

_LOWEST = text("""
SELECT l.sku_id, min(l.price) AS lowest FROM listing l
JOIN station st ON st.id = l.station_id AND st.state IN ('trial', 'active', 'restricted')
WHERE l.sku_id = ANY(:skus) AND l.active GROUP BY l.sku_id
""")
_SELLING = text("SELECT count(*) FROM station WHERE state NOT IN ('applied', 'closed')")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What following came to: the SKU's cost now, and why it must not be sold, or ""."""

    cost: int | None
    paused: Paused


def follow(supplies: Sequence[Supply], source: str) -> dict[int, Guarded]:
    """Write the new costs, bring prices after where a sale would be a loss, and say what stops.

    In the caller's transaction, after `levels.refresh` has taken its lock.
    """
    bests = {one.sku.id: one.best_cost() for one in supplies if one.bought}
    costs = {one.sku.id: _put_cost(one, bests.get(one.sku.id), source) for one in supplies}
    lowest = _after_reprice(supplies, bests, costs)
    return {
        one.sku.id: Guarded(
            cost=costs[one.sku.id],
            paused=_paused(one, bests.get(one.sku.id), costs[one.sku.id], lowest),
        )
        for one in supplies
    }


def _put_cost(supply: Supply, best: int | None, source: str) -> int | None:
    present: int | None = supply.sku.cost
    wanted = next_cost(supply.policy, present, best)
    if wanted is None:
        return present
    put_cost(supply.sku.id, wanted, ACTOR, REASONS.get(source, source))
    return wanted


def _after_reprice(
    supplies: Sequence[Supply], bests: dict[int, int | None], costs: dict[int, int | None]
) -> dict[int, int | None]:
    """The lowest price of each SKU, once prices have followed where that cannot wait."""
    lowest: dict[int, int | None] = {one.sku.id: one.sku.lowest for one in supplies}
    urgent = [one.sku.id for one in supplies if _urgent(one, bests, costs)]
    if urgent and len(urgent) * int(db.session.scalar(_SELLING) or 0) <= REPRICED_AT_ONCE:
        put_prices(urgent)
        rows = db.session.execute(_LOWEST, {"skus": urgent})
        lowest |= {row.sku_id: row.lowest for row in rows}
    return lowest


def _urgent(supply: Supply, bests: dict[int, int | None], costs: dict[int, int | None]) -> bool:
    """A cost has moved so far that a sale at today's prices is a loss, or could not be bought."""
    sku, policy = supply.sku, supply.policy
    cost, best = costs[sku.id], bests.get(sku.id)
    if policy.on_rise != "reprice" or sku.paused == "ask" or cost == sku.cost:
        return False
    short = best is not None and sku.tight is not None and best > sku.tight
    return short or endangered(guarded_cost(cost, best), sku.lowest, policy.loss_bp)


def _paused(
    supply: Supply, best: int | None, cost: int | None, lowest: dict[int, int | None]
) -> Paused:
    if not supply.bought or not supply.offers:
        return ""
    in_danger = endangered(guarded_cost(cost, best), lowest[supply.sku.id], supply.policy.loss_bp)
    return pause(supply.policy, supply.sku.paused, in_danger)
