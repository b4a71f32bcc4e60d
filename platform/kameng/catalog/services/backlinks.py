"""From what was sold back to what is offered."""

from __future__ import annotations

from sqlalchemy import select

from kameng.catalog.models import Product, Sku
from kameng.db import db


def slug_of_sku(sku_id: int) -> str:
    """Slug of the product a SKU belongs to, for links from an order; "" when there is none."""
    query = select(Product.slug).join(Sku, Sku.product_id == Product.id).where(Sku.id == sku_id)
    return str(db.session.scalar(query) or "")
