"""Pieces sold at the scope's station in the last 30 days, counted at most once a minute."""

from __future__ import annotations

from sqlalchemy import text

from kameng.catalog.services.cache import remember
from kameng.db import db
from kameng.redis import key

LIFETIME_S = 60

_COUNT = text("""
SELECT s.product_id, sum(o.quantity)::bigint AS sold
FROM orders o JOIN sku s ON s.id = o.sku_id
WHERE o.created_at > now() - interval '30 days'
  AND o.state IN ('paid', 'fulfilling', 'delivered', 'completed', 'partially_delivered')
GROUP BY s.product_id
""")


def sold_counts() -> dict[int, int]:
    """Product id → pieces sold, without those that sold nothing; needs a station's scope."""
    counted = remember(key("sold"), LIFETIME_S, _count)
    return {int(product_id): int(sold) for product_id, sold in counted.items()}


def _count() -> dict[str, int]:
    # Row level security keeps this to the scope's own station.
    return {str(row.product_id): row.sold for row in db.session.execute(_COUNT)}
