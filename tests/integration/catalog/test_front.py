"""A front page in one statement shows what the lists of goods show one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from kameng import redis as kameng_redis
from kameng.catalog.api import (
    ProductCard,
    categories,
    front_page,
    product_cards,
    save_tags,
    stock_levels,
)
from kameng.catalog.services.front import EXTENSION, whole_tree
from kameng.db import NoScope, db, main_scope, station_scope
from kameng.stations.api import forget_hosts, guess_host, learn_host, resolve_host

GONE = "redis://127.0.0.1:1/0"
# Two SKUs in one product, tags, featured ones, one that is sold out, a hidden category, a child.
RANGE = """
UPDATE product SET featured = id % 3 = 0, position = id % 2, created_at = now() - id % 4 * interval '1 hour';
INSERT INTO category(id, slug, name, position, visible, parent_id) OVERRIDING SYSTEM VALUE
  VALUES (90, 'f-hidden', 'Hidden', 1, false, NULL), (91, 'f-below', 'Below', 2, true, 90), (92, 'f-child', 'Child', 3, true, 91) ON CONFLICT DO NOTHING;
UPDATE product SET category_id = 92 WHERE id % 4 = 0;
UPDATE product SET category_id = 90 WHERE id % 4 = 1;
"""


@pytest.fixture
def goods(app: Flask, shop: Any, owner: psycopg.Connection[Any]) -> Iterator[list[str]]:
    """Goods at station 3, one of them bought twice; nothing is remembered."""
    codes = [shop.sku(cards=count) for count in (5, 0, 30, 2, 9, 1)]
    shop.buy(codes[2], 3, 2)
    owner.execute(RANGE.encode())
    app.extensions[kameng_redis.EXTENSION].flushdb()
    app.extensions.pop(EXTENSION, None)
    with app.app_context():
        with main_scope(reason="test"):
            product = db.session.execute(
                db.text("SELECT product_id FROM sku WHERE code = :code"), {"code": codes[0]}
            ).scalar_one()
            save_tags(product, ["front-a", "front-b"])
        yield codes


def same_as_lists(sort: str) -> None:
    front = front_page(sort, size=4, featured=2)
    assert front.page == product_cards(sort=sort, size=4)
    assert front.shelf == product_cards(featured=True, size=2).items
    assert list(front.categories) == categories()
    assert front.flash_sales is False


@pytest.mark.parametrize("sort", ["hot", "new", "price", "odd"])
@pytest.mark.parametrize("redis_url", ["", GONE])
def test_a_front_page_shows_what_the_lists_show(
    app: Flask, goods: list[str], sort: str, redis_url: str
) -> None:
    client = app.extensions[kameng_redis.EXTENSION]
    if redis_url:
        app.extensions[kameng_redis.EXTENSION] = kameng_redis.connect(redis_url)
    try:
        for station in (3, 2):
            for _again in range(2):  # unknown, then remembered
                with station_scope(station):
                    same_as_lists(sort)
    finally:
        app.extensions[kameng_redis.EXTENSION] = client
        app.extensions.pop("kameng.catalog.cache", None)


def test_levels_and_pieces_are_told_to_others_through_redis(app: Flask, goods: list[str]) -> None:
    with main_scope(reason="test"):
        sku, product = db.session.execute(
            db.text("SELECT id, product_id FROM sku WHERE code = :code"), {"code": goods[2]}
        ).one()

    def shown() -> ProductCard:
        with station_scope(3):
            return next(one for one in front_page(size=100).page.items if one.id == product)

    card = shown()
    assert (card.sold, card.stock) == (2, 28)
    client = app.extensions[kameng_redis.EXTENSION]
    key = kameng_redis.global_key("stock", sku)
    assert client.get(key) == b"28"
    client.set(key, 7)  # as another process has counted in the meantime
    with station_scope(3):
        assert stock_levels([sku]) == {sku: 7}
    assert shown().stock == 7


@pytest.mark.usefixtures("goods")
@pytest.mark.parametrize(("host", "station"), [
    ("deer.localhost", 3), ("jiangnan.localhost", 2), ("none.example", None), ("", None),
])  # fmt: skip
def test_a_station_is_told_of_a_host_of_its_own_alone(
    owner: psycopg.Connection[Any], host: str, station: int | None
) -> None:
    found = {}
    for number in (2, 3):
        with station_scope(number):
            found[number] = front_page(host=host).station
            assert front_page().station is None
    assert [number for number, row in found.items() if row] == ([station] if station else [])
    row = found.get(station or 0)
    forget_hosts()
    assert learn_host(host, row) == resolve_host(host)


@pytest.mark.usefixtures("goods")
def test_a_host_is_guessed_only_while_nobody_knows(app: Flask) -> None:
    forget_hosts()
    known = resolve_host("deer.localhost")
    assert known is not None
    assert guess_host("DEER.localhost:80") is None
    forget_hosts()
    assert guess_host("DEER.localhost:80") == known
    assert guess_host("none.example") is None
    assert learn_host("deer.localhost", None) is None
    assert guess_host("deer.localhost") == known  # nothing was learned
    assert resolve_host("deer.localhost") == known
    assert guess_host("deer.localhost") is None


@pytest.mark.usefixtures("goods")
def test_a_front_page_needs_the_scope_of_a_station() -> None:
    with main_scope(reason="test"), pytest.raises(NoScope):
        front_page()


@pytest.mark.usefixtures("goods")
def test_a_front_page_of_nobodys_goods_is_empty(owner: psycopg.Connection[Any]) -> None:
    owner.execute("UPDATE listing SET active = false WHERE station_id = 2")
    try:
        with station_scope(2):
            front = front_page()
        assert (front.page.items, front.page.total, front.shelf) == ((), 0, ())
        assert {category.products for category in front.categories} == {0}
    finally:
        owner.execute("UPDATE listing SET active = true WHERE station_id = 2")


@pytest.mark.parametrize("table", ["sku", "product"])
def test_a_front_page_shows_nothing_that_is_withdrawn(
    goods: list[str], owner: psycopg.Connection[Any], table: str
) -> None:
    words = f"UPDATE {table} SET state = 'off_sale' WHERE id = (SELECT {'id' if table == 'sku' else 'product_id'} FROM sku WHERE code = %s)"
    owner.execute(words.encode(), (goods[2],))
    with station_scope(3):
        shown = {card.slug for card in front_page(size=5000).page.items}
    assert goods[3].lower() in shown
    assert goods[2].lower() not in shown


def test_what_nobody_has_paid_yet_is_not_sold(shop: Any, goods: list[str]) -> None:
    shop.place(goods[2], 3)
    with station_scope(3):
        sold = {card.slug: card.sold for card in front_page(size=5000).page.items}
    assert sold[goods[2].lower()] == 2  # those that were paid


@pytest.mark.parametrize(("state", "told"), [("planned", True), ("running", True), ("cancelled", False), ("ended", False)])  # fmt: skip
def test_a_front_page_tells_of_its_own_flash_sales_that_are_to_come_or_run(
    goods: list[str], owner: psycopg.Connection[Any], state: str, told: bool
) -> None:
    words = """INSERT INTO flash_sale(station_id, sale_no, sku_id, price, units, starts_at, ends_at, state, created_by)
      SELECT 3, 'F26110000000001', id, 100, 1, now(), now() + interval '1 hour', %s, 't' FROM sku WHERE code = %s"""
    owner.execute(words.encode(), (state, goods[0]))
    try:
        for station, wanted in ((3, told), (2, False)):
            with station_scope(station):
                assert front_page().flash_sales is wanted
    finally:
        owner.execute("DELETE FROM flash_sale")


@pytest.mark.usefixtures("goods")
def test_a_front_page_of_another_station_is_refused() -> None:
    """Even when what was sold is known, so that nothing else asks for the station."""
    asked = "SELECT 1 FROM shop_front(3, 'hot', 9, 9, '{}', '{}', '{}', NULL)"
    with station_scope(2), pytest.raises(DBAPIError) as refused:
        db.session.execute(db.text(asked))
    assert getattr(refused.value.orig, "sqlstate", "") == "KM403"


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 5)), max_size=8))
def test_each_shelf_counts_itself_and_what_lies_below(tree: list[tuple[int, int]]) -> None:
    """A parent comes before its children; numbers that no row has are hidden parents."""
    rows = [[n, f"c{n}", "C", "", p if p < n else None, own] for n, (p, own) in enumerate(tree)]
    counted = {category.id: category.products for category in whole_tree(rows)}
    for number, *_words, own in rows:
        children = [row[0] for row in rows if row[4] == number]
        assert counted[number] == own + sum(counted[child] for child in children)
