"""What an order's page tells about the goods; they may have left the range since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kameng.catalog import api as catalog
from kameng.errors import NotFound
from kameng.orders import api as orders


@dataclass(frozen=True, slots=True)
class Goods:
    """Words of the product an order was made for; empty when it is no longer offered."""

    slug: str = ""
    how_to_use: str = ""
    delivery_note: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def goods_of(order: orders.OrderView) -> Goods:
    """The product's words for the order's page."""
    slug = catalog.slug_of_sku(order.sku_id)
    try:
        product = catalog.product_page(slug) if slug else None
    except NotFound:
        product = None
    if product is None:
        return Goods()
    labels = {item.name: item.label for item in product.fields}
    return Goods(product.slug, product.how_to_use, product.delivery_note, labels)
