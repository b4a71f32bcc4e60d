"""Which products of a list are sold at more than one price, so that a card can say "from"."""

from __future__ import annotations

from collections.abc import Iterable

from flask import g
from sqlalchemy import func, select

from kameng.catalog import api as catalog
from kameng.db import db


def several_prices(*lists: Iterable[catalog.ProductCard]) -> frozenset[int]:
    """Ids of the products whose SKUs on offer at this station differ in price."""
    wanted = {card.id for cards in lists for card in cards}
    if not wanted:
        return frozenset()
    found = db.session.scalars(
        select(catalog.Sku.product_id)
        .join(catalog.Listing, catalog.Listing.sku_id == catalog.Sku.id)
        .where(
            catalog.Listing.station_id == g.station.id,
            catalog.Listing.active,
            catalog.Sku.state == "on_sale",
            catalog.Sku.product_id.in_(wanted),
        )
        .group_by(catalog.Sku.product_id)
        .having(func.min(catalog.Listing.price) < func.max(catalog.Listing.price))
    )
    return frozenset(found)
