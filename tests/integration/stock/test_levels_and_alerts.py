"""Levels that pages show, and alerts that are raised once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from kameng import redis as kameng_redis
from kameng.db import main_scope, station_scope
from kameng.redis import connect
from kameng.stock.api import (
    check_stock_alerts,
    close_alert,
    expire_cards,
    forget_levels,
    import_cards,
    notify_alerts,
    open_alerts,
    raise_alert,
    stock_levels,
)


@pytest.fixture
def main(app: Flask, sku: int) -> Iterator[int]:
    """The SKU, inside main scope; only this SKU is on sale."""
    with app.app_context(), main_scope(reason="test"):
        yield sku


def fill(sku: int, count: int, tag: str = "A", expires_on: date | None = None) -> None:
    data = b"\n".join(b"%s%d----S%d" % (tag.encode(), n, n) for n in range(count))
    import_cards(sku, data, "cards.txt", "staff:1", expires_on)


def alerts_of(sku: int) -> list[str]:
    return sorted(alert.kind for alert in open_alerts() if alert.subject == f"sku:{sku}")


def test_levels_are_capped_and_the_same_in_every_scope(app: Flask, main: int) -> None:
    fill(main, 1_200)
    assert stock_levels([main]) == {main: 1_000}
    with station_scope(3):
        assert stock_levels([main, 10**9]) == {main: 1_000, 10**9: 0}
    assert stock_levels([]) == {}


def test_levels_work_when_redis_is_down(app: Flask, main: int) -> None:
    fill(main, 3)
    client = app.extensions[kameng_redis.EXTENSION]
    try:
        app.extensions[kameng_redis.EXTENSION] = connect("redis://127.0.0.1:1/0")
        assert stock_levels([main]) == {main: 3}
        fill(main, 2, "B")
        assert stock_levels([main]) == {main: 5}
    finally:
        app.extensions[kameng_redis.EXTENSION] = client
        app.extensions.pop("kameng.catalog.cache", None)


def test_levels_are_at_most_three_seconds_old(main: int, shop: Any) -> None:
    fill(main, 2)
    assert stock_levels([main]) == {main: 2}
    shop.owner.execute("UPDATE card SET status = 3 WHERE sku_id = %s", (main,))
    assert stock_levels([main]) == {main: 2}
    forget_levels([main])
    assert stock_levels([main]) == {main: 0}


def test_T3_a_pool_raises_each_alert_once_and_closes_it(main: int, shop: Any) -> None:
    shop.owner.execute('UPDATE station SET contact = \'{"email": "ops@example.com"}\' WHERE id = 1')
    check_stock_alerts()
    check_stock_alerts()
    assert alerts_of(main) == ["sold_out"]
    fill(main, 5)
    check_stock_alerts()
    assert alerts_of(main) == ["low_stock"], "the worse alert is over, the lesser one is new"
    notify_alerts()
    assert notify_alerts() == 0
    check_stock_alerts()
    fill(main, 50, "B")
    check_stock_alerts()
    assert alerts_of(main) == []
    rows = shop.owner.execute(
        "SELECT subject FROM notice WHERE kind = 'alert' AND body LIKE %s", (f"%sku_id: {main}\n%",)
    ).fetchall()
    assert len(rows) == 1
    assert "只剩 5 张" in rows[0][0]


def test_T3_cards_near_their_end_raise_an_alert_and_are_void_in_time(main: int, shop: Any) -> None:
    fill(main, 30)
    fill(main, 4, "E", date.today() + timedelta(days=5))
    check_stock_alerts()
    assert alerts_of(main) == ["card_expiry"]
    shop.owner.execute(
        "UPDATE card SET expires_on = current_date - 1 WHERE sku_id = %s"
        " AND expires_on IS NOT NULL",
        (main,),
    )
    assert stock_levels([main]) == {main: 30}, "an expired card is not offered even before that"
    assert expire_cards() == {main: 4}
    assert expire_cards() == {}
    check_stock_alerts()
    assert alerts_of(main) == []


def test_T3_goods_off_the_shelf_raise_nothing(main: int, shop: Any) -> None:
    check_stock_alerts()
    assert alerts_of(main) == ["sold_out"]
    shop.owner.execute("UPDATE sku SET state = 'off_sale' WHERE id = %s", (main,))
    check_stock_alerts()
    assert alerts_of(main) == []


def test_T3_any_context_raises_alerts_from_either_scope(main: int) -> None:
    from kameng.db import db

    with station_scope(3):
        assert raise_alert("payment_amount", "attempt:7", "金额不符", {"paid": 1}, station_id=3)
        db.session.commit()
    assert not raise_alert("payment_amount", "attempt:7", "金额不符", station_id=3)
    assert [alert.detail for alert in open_alerts(3)] == [{"paid": 1}]
    assert close_alert("payment_amount", "attempt:7", station_id=3)
    assert not close_alert("payment_amount", "attempt:7", station_id=3)
    db.session.commit()
    assert raise_alert("payment_amount", "attempt:7", "又来了", station_id=3)
