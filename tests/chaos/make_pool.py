"""Make a SKU with a pool of cards in the installation of the environment: make_pool.py CODE COUNT."""

from __future__ import annotations

import sys

from kameng.app import create_app
from kameng.catalog import api as catalog
from kameng.db import main_scope
from kameng.ops.runtime import effective_settings
from kameng.pricing import api as pricing
from kameng.stock import api as stock


def main(code: str, count: int) -> None:
    """Enter the product, its price and its cards as the console does."""
    app = create_app(effective_settings())
    with app.app_context(), main_scope(reason="race"):
        category = catalog.create_category(f"{code.lower()}-race", code)
        product = catalog.create_product(
            code.lower(), f"Race {code}", category, "card", state="on_sale"
        )
        sku = catalog.create_sku(product, code, "1", face_value=10_0000, cost=8_0000)
        lines = "\n".join(f"{code}{n:06d}----SECRET-{code}-{n:06d}" for n in range(count))
        stock.import_cards(sku, lines.encode(), "race.txt", "race")
        pricing.reprice([sku])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
