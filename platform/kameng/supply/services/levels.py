"""How many of a SKU suppliers have: kept ready, so that placing an order only reads it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import text

from kameng.catalog.api import forget_levels
from kameng.db import db, main_scope
from kameng.identity.api import audit
from kameng.pricing.api import put_prices
from kameng.supply.domain.costing import Paused
from kameng.supply.services import costing, watching
from kameng.supply.services.offering import Supply, supplies

MOST_AT_ONCE = 200  # SKUs in one transaction
MOST_KNOWN = 2**31 - 1

# Costs and levels are reckoned by one transaction at a time, and it takes this lock before any row
# of a SKU: two that want the same SKUs in another order would wait for each other.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('kameng.supply.levels'))")
_KEEP = text("""
INSERT INTO supply_level AS u (sku_id, available, paused) VALUES (:sku, :available, :paused)
ON CONFLICT (sku_id) DO UPDATE
SET available = excluded.available, paused = excluded.paused, updated_at = now()
WHERE (u.available, u.paused) IS DISTINCT FROM (excluded.available, excluded.paused)
""")
_FORGET = text("DELETE FROM supply_level WHERE sku_id = :sku")
_MAPPED = text("""
SELECT sku_id FROM supply_offer WHERE sku_id IS NOT NULL
UNION SELECT sku_id FROM supply_level ORDER BY sku_id
""")
_SKUS_OF = text("""
SELECT DISTINCT sku_id FROM supply_offer WHERE id = ANY(:offers) AND sku_id IS NOT NULL
""")
_OF_SUPPLIER = text("""
SELECT DISTINCT sku_id FROM supply_offer WHERE supplier_id = :supplier AND sku_id IS NOT NULL
""")
_UNPAUSE = text("""
UPDATE supply_level SET paused = '' WHERE sku_id = :sku AND paused <> '' RETURNING sku_id
""")
_PAUSED = text("SELECT paused FROM supply_level WHERE sku_id = :sku")


def offer_changed(offer_ids: Iterable[int], source: str = "portal") -> list[int]:
    """Offers have changed: costs, guard and levels of their SKUs follow at once.

    ``source``: sync, notice, portal or staff. Opens its own main scopes, so commit the change
    first; the history of the offer itself is written by whoever changes it. Returns the SKUs
    whose level has moved.
    """
    with main_scope(reason="offers have changed"):
        sku_ids = list(db.session.scalars(_SKUS_OF, {"offers": list(offer_ids)}))
    moved = refresh_now(sku_ids, source)
    watching.watch()
    return moved


def refresh(sku_ids: Iterable[int], source: str = "system") -> list[int]:
    """Reckon cost, guard and level of these SKUs anew, in the caller's transaction (main scope).

    Call it after the change and before the commit, and `forget_levels` of catalog with what it
    returns (the SKUs whose level has moved) after the commit. ``source`` says why a cost moved.
    """
    wanted = sorted(set(sku_ids))
    if not wanted:
        return []
    db.session.flush()
    db.session.execute(_LOCK)
    found = supplies(wanted)
    guarded = costing.follow(found, source)
    return [one.sku.id for one in found if _keep(one, guarded[one.sku.id])]


def refresh_now(sku_ids: Iterable[int], source: str = "system") -> list[int]:
    """The same in transactions of its own; the SKUs whose level has moved."""
    wanted = sorted(set(sku_ids))
    moved: list[int] = []
    for start in range(0, len(wanted), MOST_AT_ONCE):
        with main_scope(reason="levels of supply"):
            moved += refresh(wanted[start : start + MOST_AT_ONCE], source)
            db.session.commit()
    forget_levels(moved)
    return moved


def refresh_supplier(supplier_id: int) -> list[int]:
    """What a supplier serves: its grade or state has changed. The SKUs whose level has moved."""
    with main_scope(reason="levels of supply"):
        sku_ids = list(db.session.scalars(_OF_SUPPLIER, {"supplier": supplier_id}))
    return refresh_now(sku_ids)


def refresh_all() -> list[int]:
    """Every SKU that has offers: breakers, grades, contracts and papers change by themselves."""
    with main_scope(reason="levels of supply"):
        sku_ids = list(db.session.scalars(_MAPPED))
    return refresh_now(sku_ids)


def confirm_cost(sku_id: int, actor: str) -> str:
    """A person has looked at a cost that ate the price: prices follow, and the sale goes on.

    It stays stopped while a price still does not reach the cost: returns why, or "". Opens its
    own scope and commits.
    """
    with main_scope(reason="a person confirms a cost"):
        db.session.execute(_LOCK)
        paused = db.session.scalar(_UNPAUSE, {"sku": sku_id})
        if paused is not None:
            put_prices([sku_id])
            audit(actor, "supply.confirm_cost", f"sku:{sku_id}", {})
        moved = refresh([sku_id])
        now = str(db.session.scalar(_PAUSED, {"sku": sku_id}) or "")
        db.session.commit()
    forget_levels([*moved, sku_id])
    watching.watch()
    return now


def _keep(supply: Supply, guarded: costing.Guarded) -> bool:
    sku = supply.sku
    if not supply.offers:
        if sku.has_level:
            db.session.execute(_FORGET, {"sku": sku.id})
        return bool(sku.has_level)
    available = available_of(supply, guarded.cost, guarded.paused)
    if sku.has_level and (sku.available, sku.paused) == (available, guarded.paused):
        return False
    given = {"sku": sku.id, "available": available, "paused": guarded.paused}
    db.session.execute(_KEEP, given)
    return True


def available_of(supply: Supply, cost: int | None, paused: Paused) -> int | None:
    """How many can be had; None: no limit is known."""
    if paused:
        return 0
    ranked = supply.ranked(supply.sku.min_quantity, supply.unit_cap(cost))
    stocks: Collection[int | None] = [r.choice.stock for r in ranked if r.outcome != "out"]
    if any(stock is None for stock in stocks):
        return None
    # Not their sum: one order is bought in one piece, so the largest shelf is the limit.
    return min(max((stock or 0 for stock in stocks), default=0), MOST_KNOWN)
