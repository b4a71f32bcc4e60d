"""What the main station pays for a SKU. Prices follow by the topic `cost.changed`."""

from __future__ import annotations

from flask_babel import gettext as _

from kameng.catalog.models import CostChange, Sku, SkuCost
from kameng.catalog.services.saving import saving
from kameng.db import db
from kameng.errors import DomainError, NotFound
from kameng.jobs import publish

MAIN_STATION = 1
MAX_COST = 10**10  # a million yuan a piece
KEEP = -1  # leave a limit as it is


def set_cost(
    sku_id: int,
    cost: int,
    actor: str,
    reason: str = "",
    floor_price: int | None = KEEP,
    ceiling_price: int | None = KEEP,
) -> bool:
    """Record the cost (scale 4) of a SKU, and limits of any retail price; True when changed.

    Main scope. Raises `NotFound` and `DomainError("cost_refused")`.
    """
    with saving():
        return put_cost(sku_id, cost, actor, reason, floor_price, ceiling_price)


def put_cost(
    sku_id: int,
    cost: int,
    actor: str,
    reason: str = "",
    floor_price: int | None = KEEP,
    ceiling_price: int | None = KEEP,
) -> bool:
    """The same inside the caller's transaction."""
    if db.session.get(Sku, sku_id) is None:
        raise NotFound("sku_unknown", _("没有这个规格"))
    row = db.session.get(SkuCost, sku_id, with_for_update=True)
    old = None if row is None else row.cost
    old_limits = (None, None) if row is None else (row.floor_price, row.ceiling_price)
    limits = (
        old_limits[0] if floor_price == KEEP else floor_price,
        old_limits[1] if ceiling_price == KEEP else ceiling_price,
    )
    _check(cost, *limits)
    if row is not None and (row.cost, old_limits) == (cost, limits):
        return False
    if row is None:
        row = SkuCost(sku_id=sku_id, cost=cost, version=0)
        db.session.add(row)
    row.cost, (row.floor_price, row.ceiling_price), row.version = cost, limits, row.version + 1
    if old != cost:
        db.session.add(
            CostChange(sku_id=sku_id, old_cost=old, new_cost=cost, actor=actor, reason=reason)
        )
    publish("cost.changed", MAIN_STATION, {"sku_id": sku_id})
    db.session.flush()
    return True


def _check(cost: int, floor_price: int | None, ceiling_price: int | None) -> None:
    limits = [limit for limit in (floor_price, ceiling_price) if limit is not None]
    if not 0 <= cost <= MAX_COST or any(not 0 <= limit <= MAX_COST for limit in limits):
        raise DomainError("cost_refused", _("成本和限价要在 0 到 1,000,000 元之间"))
    if len(limits) == 2 and limits[0] > limits[1]:
        raise DomainError("cost_refused", _("最低限价不能高于最高限价"))
