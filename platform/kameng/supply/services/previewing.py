"""What would be, without doing it: who would get an order, and what mapping an offer brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, text

from kameng.db import db
from kameng.errors import DomainError, NotFound
from kameng.supply.domain.mapping import fits
from kameng.supply.domain.routing import Ranked
from kameng.supply.services import levels
from kameng.supply.services.offering import Supply, supplies

_AS_MAPPED = text("UPDATE supply_offer SET sku_id = :sku WHERE id = :offer")
_KINDS = text("""
SELECT f.kind AS theirs, p.kind AS ours FROM supply_offer f, sku s JOIN product p ON p.id = s.product_id
WHERE f.id = :offer AND s.id = :sku
""")  # noqa: E501  # SQL reads better in whole clauses


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingPreview:
    """Every offer of a SKU in the order in which it would be asked now, and the facts behind.

    ``unit_cap``: what one piece may cost at the station that leaves most. ``available`` None: no
    limit is known. Amounts at scale 4.
    """

    supply: Supply
    ranked: Sequence[Ranked]
    rows: Mapping[int, Row[Any]]
    unit_cap: int | None

    @property
    def cost(self) -> int | None:
        return self.supply.sku.cost  # type: ignore[no-any-return]  # a column

    @property
    def lowest(self) -> int | None:
        """The lowest price that any station asks."""
        return self.supply.sku.lowest  # type: ignore[no-any-return]  # a column


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingPreview:
    """What mapping an offer to a SKU comes to: cost before and after, the lowest price, a pause."""

    offer_cost: int
    old_cost: int | None
    new_cost: int | None
    lowest: int | None
    paused: str
    available: int | None

    @property
    def margin(self) -> int | None:
        """What the cheapest sale brings."""
        if self.lowest is None or self.new_cost is None:
            return None
        return self.lowest - self.new_cost


def routing_preview(sku_id: int, quantity: int = 1) -> RoutingPreview:
    """Who would get an order of so many pieces now, and why; in the open main scope.

    Raises `NotFound`.
    """
    found = supplies([sku_id])
    if not found:
        raise NotFound("sku_unknown", _l("没有这个规格"))
    supply = found[0]
    cap = supply.unit_cap(supply.sku.cost)
    return RoutingPreview(
        supply=supply,
        ranked=supply.ranked(quantity, cap),
        rows={row.offer_id: row for row in supply.offers},
        unit_cap=None if supply.sku.brings is None else cap,
    )


def mapping_preview(offer_id: int, sku_id: int) -> MappingPreview:
    """Map it, look, and take it back: nothing stays. Ends the open transaction.

    Raises `NotFound`, `DomainError("kind_differs")`.
    """
    given = {"sku": sku_id, "offer": offer_id}
    kinds = db.session.execute(_KINDS, given).one_or_none()
    if kinds is None:
        raise NotFound("offer_unknown", _l("没有这条供货或这个规格"))
    if not fits(kinds.theirs, kinds.ours):
        raise DomainError("kind_differs", _l("卡密供货只能映射卡密商品，直充和人工也一样"))
    before = routing_preview(sku_id).cost
    try:
        db.session.execute(_AS_MAPPED, given)
        levels.refresh([sku_id], "staff")
        after = routing_preview(sku_id)
        return MappingPreview(
            offer_cost=after.rows[offer_id].cost, old_cost=before,
            new_cost=after.cost, lowest=after.lowest, paused=after.supply.sku.paused,
            available=after.supply.sku.available,
        )  # fmt: skip
    finally:
        db.session.rollback()
