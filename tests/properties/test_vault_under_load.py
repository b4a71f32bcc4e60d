"""The vault while it is in use: keys change, files come twice, and every card opens exactly once."""

from __future__ import annotations

from functools import partial
from typing import Any

from kameng.db import main_scope, station_scope
from kameng.stock.api import batch, import_cards, reencrypt, reveal_all, rotate_keys

from .hands import at_once

DEER = 3


def sku_of(shop: Any, code: str) -> int:
    return int(shop.one("SELECT id FROM sku WHERE code = %s", code))


def put(shop: Any, sku: int, secrets: list[str]) -> int:
    data = "\n".join(f"N{secret}----{secret}" for secret in secrets).encode()
    with shop.app.app_context(), main_scope(reason="test"):
        return import_cards(sku, data, "cards.txt", "staff:1")


def opened(shop: Any, orders: list[int]) -> list[str]:
    with shop.app.app_context(), station_scope(DEER):
        return [card.secret for order in orders for card in reveal_all(order, "staff:1")]


def test_S10_keys_change_during_sales_and_every_buyer_gets_a_card_of_his_own(shop: Any) -> None:
    code = shop.sku()
    wanted = [f"LOAD-{n:03d}" for n in range(60)]
    put(shop, sku_of(shop, code), wanted)
    orders: list[int] = []

    def buy() -> None:
        placed, result = shop.buy(code)
        assert result == "ok"
        orders.append(placed.order_id)

    def rotate() -> None:
        with shop.app.app_context(), main_scope(reason="test"):
            rotate_keys()
            while reencrypt(limit=20):
                pass

    def change_keys_twice() -> None:
        rotate()
        rotate()

    at_once([change_keys_twice, *[buy] * 60], threads=9)
    assert sorted(opened(shop, orders)) == wanted
    rotate()
    assert sorted(opened(shop, orders)) == wanted
    keys = "SELECT count(DISTINCT key_id) FROM card WHERE sku_id = %s"
    assert shop.one(keys, sku_of(shop, code)) == 1
    shop.assert_books_balance()


def test_S10_one_file_imported_by_many_at_once_is_in_the_pool_once(shop: Any) -> None:
    code = shop.sku()
    sku = sku_of(shop, code)
    secrets = [f"TWICE-{n:03d}" for n in range(300)]
    # Each has the lines in an order of its own: the rows are locked against each other.
    files = [secrets[shift:] + secrets[:shift] for shift in range(0, 300, 50)]
    batches = at_once([partial(put, shop, sku, lines) for lines in files])
    with shop.app.app_context(), main_scope(reason="test"):
        views = [batch(number) for number in batches]
    assert [view.state for view in views] == ["done"] * 6
    assert sum(view.imported for view in views) == 300
    assert sum(view.duplicated for view in views) == 5 * 300
    assert shop.one("SELECT count(*) FROM card WHERE sku_id = %s", sku) == 300
