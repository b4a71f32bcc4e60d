"""The range from the main station's sheet to three stations' shelves."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import psycopg
import pytest
from flask import Flask

from kameng import redis as kameng_redis
from kameng.catalog.api import (
    FieldRule,
    categories,
    create_category,
    create_product,
    create_sku,
    export_sheet,
    import_sheet,
    product_cards,
    product_page,
    save_fields,
    set_product_state,
    update_product,
    validate_inputs,
)
from kameng.db import NoScope, db, main_scope, station_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.jobs.discovery import load_tasks
from kameng.jobs.inline import drain

HEADING = (
    "商品编号,商品名称,分类,类型,标签,商品状态,购买信息,规格编号,规格名称,面值,成本,最多购买\n"
)
FIELDS = "account|游戏账号|账号|必填|5 到 12 位数字||^[0-9]{5,12}$\nphone|手机号|手机号|选填"
SHEET = (
    HEADING
    + f'xinghai,星海点券,games,直充,秒到账、热卖,上架,"{FIELDS}",XH-100,100 元,100,94.1,50\n'
    + "xinghai,,,,,,,XH-200,200 元,200,188.2,\n"
)


@pytest.fixture
def stations(app: Flask, owner: psycopg.Connection[Any]) -> Iterator[None]:
    """Main station, one below it and one below that; an application context is open."""
    for number, parent, path in ((1, None, [1]), (2, 1, [1, 2]), (3, 2, [1, 2, 3])):
        owner.execute(
            "INSERT INTO station(id, parent_id, path, slug, name, state)"
            " VALUES (%s, %s, %s, %s, %s, 'active') ON CONFLICT DO NOTHING",
            (number, parent, path, f"station-{number}", f"Station {number}"),
        )
    load_tasks()
    with app.app_context():
        with main_scope(reason="test"):
            for slug, name in (("games", "游戏"), ("video", "视频")):
                with contextlib.suppress(Conflict):
                    create_category(slug, name)
        yield


def sheet(text: str, encoding: str = "utf-8") -> Any:
    with main_scope(reason="test"):
        return import_sheet(BytesIO(text.encode(encoding)), "staff:1")


@pytest.mark.usefixtures("stations")
def test_T1_one_sheet_puts_a_product_on_sale_on_three_stations() -> None:
    started = time.monotonic()
    report = sheet(SHEET)
    assert (report.created, report.updated, report.errors) == (2, 0, [])
    drain()
    for station in (1, 2, 3):
        with station_scope(station):
            view = product_page("xinghai")
            assert [tag.name for tag in view.tags] == ["秒到账", "热卖"]
            assert [(sku.code, sku.face_value, sku.max_quantity) for sku in view.skus] == [
                ("XH-100", 1_000_000, 50), ("XH-200", 2_000_000, 20),
            ]  # fmt: skip
            assert all(sku.price >= 941_000 and sku.stock is None for sku in view.skus)
            assert [field.name for field in view.fields] == ["account", "phone"]
            clean, errors = validate_inputs(view.id, {"account": "1234", "phone": "1380013602"})
            assert clean == {}
            assert errors == {
                "account": "游戏账号格式不对：5 到 12 位数字",
                "phone": "少了 1 位，手机号是 11 位数字",
            }
    assert time.monotonic() - started < 60


@pytest.mark.usefixtures("stations")
def test_T1_the_same_sheet_twice_changes_nothing() -> None:
    sheet(SHEET)
    report = sheet(SHEET, "gbk")
    assert (report.created, report.updated, report.unchanged, report.errors) == (0, 0, 2, [])


@pytest.mark.usefixtures("stations")
def test_T1_what_is_exported_can_be_imported() -> None:
    sheet(SHEET)
    for kind in ("xlsx", "csv"):
        with main_scope(reason="test"):
            data = export_sheet(kind)  # type: ignore[arg-type]
            report = import_sheet(BytesIO(data), "staff:1")
        assert (report.created, report.updated, report.errors) == (0, 0, [])
        assert report.unchanged >= 2


@pytest.mark.usefixtures("stations")
def test_T1_bad_rows_are_named_and_good_rows_count() -> None:
    report = sheet(
        HEADING + "good,好商品,games,卡密,,上架,,GOOD-1,一号,10,9,\n"
        "bad,坏商品,toys,卡密,,上架,,BAD-1,一号,10,9,\n"
        "bad,坏商品,games,实物,,上架,,BAD-1,一号,10,9,\n"
        "bad,坏商品,games,卡密,,上架,,BAD-1,一号,ten,9,\n"
        "bad,坏商品,games,卡密,,上架,,GOOD-1,一号,10,9,\n"
        "Bad!,坏商品,games,卡密,,上架,,BAD-1,一号,10,9,\n"
        "bad,坏商品,games,卡密,,上架,x|y|怪|必填,BAD-1,一号,10,9,\n"
        "bad,坏商品,games,卡密,,上架,,,一号,10,9,\n"
    )
    assert report.created == 1
    assert [error["row"] for error in report.errors] == [3, 4, 5, 6, 7, 8, 9]
    reasons = " ".join(str(error["reason"]) for error in report.errors)
    for part in ("没有分类“toys”", "不认识“实物”", "要是金额", "属于另一件", "规格编号”不能空着"):
        assert part in reasons
    with main_scope(reason="test"):
        left = db.session.execute(db.text("SELECT count(*) FROM product WHERE slug = 'bad'"))
        assert left.scalar() == 0, "a refused row leaves no half product"


@pytest.mark.usefixtures("stations")
@pytest.mark.parametrize("text", ["商品名称\nx\n", "", "商品编号,规格编号,规格编号\n"])
def test_a_sheet_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DomainError):
        sheet(text)


@pytest.mark.usefixtures("stations")
def test_T1_a_product_leaves_all_shelves_at_once() -> None:
    sheet(SHEET)
    drain()
    with station_scope(2):
        product_id = product_page("xinghai").id
    with main_scope(reason="test"):
        set_product_state(product_id, "off_sale")
    with station_scope(2):
        with pytest.raises(NotFound):
            product_page("xinghai")
        assert product_cards(query="星海").total == 0
    with main_scope(reason="test"):
        set_product_state(product_id, "on_sale")
    with station_scope(2):
        assert product_page("xinghai").id == product_id


@pytest.mark.usefixtures("stations")
def test_T1_products_are_found_by_category_tag_and_words() -> None:
    sheet(SHEET)
    sheet(HEADING + "vip,会员 100%_周卡,video,卡密,秒到账,上架,,VIP-7,七天,15,12,\n")
    drain()

    def found(**filters: Any) -> list[str]:
        return [card.slug for card in product_cards(**filters).items]

    with station_scope(3):
        assert found(category="video") == ["vip"]
        assert set(found(tag="秒到账")) >= {"vip", "xinghai"}
        assert found(query="周卡 七天") == ["vip"]
        assert found(query="热卖") == ["xinghai"]
        assert found(query="100%_") == ["vip"]
        assert found(query="%") == ["vip"]
        assert found(query="' OR 1=1 --") == []
        assert found(category="video", tag="热卖") == []
        assert found(query="星海", page=2) == []
        assert found(category="\0") == found(tag="\0") == found(tag="x" * 500) == []
        with pytest.raises(NotFound):
            product_page("\0")
        assert found(tag="秒到账", sort="price") == ["vip", "xinghai"]
        assert found(tag="秒到账", sort="new") == ["vip", "xinghai"]
        card = product_cards(query="周卡").items[0]
        assert (card.stock, card.sold, card.face_value) == (0, 0, 150_000)
        assert {view.slug: view.products for view in categories()}["video"] == 1


@pytest.mark.usefixtures("stations")
def test_products_are_made_step_by_step_as_well() -> None:
    with main_scope(reason="test"):
        category = db.session.execute(db.text("SELECT id FROM category LIMIT 1")).scalar_one()
        product = create_product("steps", "分步", category, "manual", tags=["慢工"])
        create_sku(product, "STEP-1", "一档", cost=50_000, face_value=60_000)
        create_sku(product, "STEP-2", "二档", cost=70_000)
        save_fields(product, [FieldRule("qq", "QQ 号", "number")])
        update_product(product, state="on_sale", summary="人工处理")
        with pytest.raises(Conflict):
            create_product("steps", "又一个", category, "manual")
        with pytest.raises(DomainError):
            create_sku(product, "中文编号", "x")
        with pytest.raises(DomainError):
            save_fields(product, [FieldRule("qq", "QQ 号", "number", pattern="(")])
    drain()
    with station_scope(1):
        view = product_page("steps")
        assert [sku.price for sku in view.skus] == [55_000, 77_000]
        assert view.summary == "人工处理"


@pytest.mark.usefixtures("stations")
def test_T12_a_station_cannot_change_the_range() -> None:
    sheet(SHEET)
    with station_scope(2), pytest.raises(Exception, match="permission denied"):
        update_product(1, name="Mine")


@pytest.mark.usefixtures("stations")
def test_the_storefront_needs_the_scope_of_a_station() -> None:
    with main_scope(reason="test"), pytest.raises(NoScope):
        product_cards()


@pytest.mark.usefixtures("stations")
@pytest.mark.parametrize("redis_url", ["", "redis://127.0.0.1:1/0"])
def test_a_card_of_goods_shows_what_is_sold_and_left(app: Flask, shop: Any, redis_url: str) -> None:
    client = app.extensions[kameng_redis.EXTENSION]
    code = shop.sku(cards=5)
    shop.buy(code, 3, 2)
    client.flushdb()
    try:
        if redis_url:
            app.extensions[kameng_redis.EXTENSION] = kameng_redis.connect(redis_url)
        with station_scope(3):
            card = product_cards(query=code).items[0]
            assert (card.sold, card.stock) == (2, 3)
            assert product_page(card.slug).skus[0].stock == 3
        with station_scope(2):
            assert product_cards(query=code).items[0].sold == 0, "each station counts its own"
    finally:
        app.extensions[kameng_redis.EXTENSION] = client
        app.extensions.pop("kameng.catalog.cache", None)
