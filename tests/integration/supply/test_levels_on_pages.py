"""Shoppers see when nothing is left upstream, and how little is left where that is limited."""

from __future__ import annotations

import pytest

from kameng.catalog.api import forget_levels, product_cards, product_page
from kameng.db import station_scope

DEER = 3


@pytest.mark.parametrize(
    ("level", "shown"), [(None, None), ("0", 0), ("7", 7), ("5000", None), ("NULL", None)]
)
def test_a_top_up_shows_what_suppliers_have_where_that_is_limited(shop, level, shown):
    code = shop.sku(kind="top_up")
    sku = shop.one("SELECT id FROM sku WHERE code = %s", code)
    if level is not None:
        shop.plant(f"INSERT INTO supply_level(sku_id, available) VALUES ({sku}, {level})")
    with shop.app.app_context(), station_scope(DEER):
        forget_levels([sku])
        (card,) = product_cards(query=code).items
        assert card.stock == (0 if shown == 0 else None), "a grid tells only that nothing is left"
        assert product_page(code.lower()).skus[0].stock == shown


def test_a_full_pool_of_cards_still_shows_plenty(shop):
    code = shop.sku(cards=1_001)
    with shop.app.app_context(), station_scope(DEER):
        assert product_page(code.lower()).skus[0].stock == 1_000
