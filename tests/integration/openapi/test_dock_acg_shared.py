"""The station as a shared store of acg-faka, over HTTP and on the real database."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from tests.integration.openapi.docking import MAIN, Dock, Key, new_number

from kameng.openapi.domain.dialects.acg_shared.orders import WAIT
from kameng_supplier_acg_shared.reading import cards_of
from kameng_supplier_acg_shared.signing import pairs, sign

MOUNT = "/dock/acg-shared"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def key(dock: Dock) -> Key:
    return dock.key("acg-shared")


def ask(dock: Dock, key: Key, what: str, fields: Any = None, **changes: Any) -> dict[str, Any]:
    """One signed form, as the client sends it; the answer."""
    form = {"app_id": changes.get("app_id", key.key_id), "app_key": key.secret} | (fields or {})
    form["sign"] = changes.get("sign") or sign(form, changes.get("secret", key.secret))
    body = urlencode(pairs(form | changes.get("late", {}))).encode() + changes.get("more", b"")
    answer = dock.send(
        "POST", f"{MOUNT}/shared/{what}", data=body, content_type=FORM,
        station=changes.get("station", 3),
    )  # fmt: skip
    assert (answer.status_code, answer.mimetype) == (200, "application/json"), answer.text[:200]
    assert answer.headers["Cache-Control"] == "no-store"
    said: dict[str, Any] = answer.json
    return said


def data(said: dict[str, Any]) -> Any:
    assert said["code"] == 200, said
    return said["data"]


def no(said: dict[str, Any]) -> str:
    assert said["code"] == 0, said
    assert "data" not in said
    return str(said["msg"])


def wish(goods: int, quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "shared_code": str(goods), "num": str(quantity), "contact": "x", "card_id": "0", "device": "0",
        "password": "", "race": "", "request_no": new_number(),
    } | more  # fmt: skip


def test_the_wallet_is_told(dock: Dock, key: Key) -> None:
    assert data(ask(dock, key, "authentication/connect")) == {
        "shopName": "Deer",
        "balance": "1000.00",
    }


def test_the_key_itself_need_not_be_sent(dock: Dock, key: Key) -> None:
    assert data(ask(dock, key, "authentication/connect", {"app_key": ""}))


def test_cards_are_bought_once_and_read_again(dock: Dock, key: Key) -> None:
    asked = wish(dock.goods(cards=3), 2)
    price = data(ask(dock, key, "commodity/valuation", {"code": asked["shared_code"], "num": "2"}))[
        "price"
    ]
    first = data(ask(dock, key, "commodity/trade", asked))
    assert (first["amount"], price) == ("197.21", "197.21")
    cards = cards_of(first["secret"])
    assert cards is not None
    assert len({one.code.reveal() for one in cards if one.code}) == 2
    assert data(ask(dock, key, "commodity/trade", asked)) == first
    assert data(ask(dock, key, "commodity/query", {"tradeNo": first["tradeNo"]})) == {
        "secret": first["secret"], "widget": None, "status": 1,
    }  # fmt: skip
    assert dock.orders(key.member) == 1
    dock.assert_books_balance()


def test_the_same_number_with_another_body_is_refused(dock: Dock, key: Key) -> None:
    asked = wish(dock.goods(cards=3))
    assert data(ask(dock, key, "commodity/trade", asked))
    for changed in ({"num": "2"}, {"shared_code": str(dock.goods(cards=1))}):
        assert (
            no(ask(dock, key, "commodity/trade", asked | changed))
            == "The request ID already exists"
        )
    assert dock.orders(key.member) == 1


def test_a_repeat_is_answered_when_the_goods_are_gone(dock: Dock, key: Key) -> None:
    asked = wish(dock.goods(cards=1))
    first = data(ask(dock, key, "commodity/trade", asked))
    dock.behind(
        "UPDATE product SET state = 'off_sale' WHERE id = (SELECT product_id FROM sku WHERE id = %s)",
        asked["shared_code"],
    )
    assert data(ask(dock, key, "commodity/trade", asked)) == first
    assert no(ask(dock, key, "commodity/trade", wish(int(asked["shared_code"])))).startswith(
        ("商品不存在", "当前商品已停售")
    )


def test_refused_trades_leave_nothing_behind(dock: Dock, key: Key) -> None:
    poor, rare = dock.key("acg-shared", balance=50_0000), dock.goods(cards=1)
    assert no(ask(dock, poor, "commodity/trade", wish(rare))) == "余额不足"
    assert no(ask(dock, key, "commodity/trade", wish(rare, 2))) == "库存不足"
    for code in ("999999", "ABC", "9" * 19):
        assert no(ask(dock, key, "commodity/trade", wish(rare, shared_code=code))) == "商品不存在"
    assert "购买" in no(ask(dock, key, "commodity/trade", wish(rare, num="0")))
    assert "购买" in no(ask(dock, key, "commodity/trade", wish(rare, num="999999999")))
    assert "预选" in no(ask(dock, key, "commodity/trade", wish(rare, card_id="7")))
    assert "类型不存在" in no(ask(dock, key, "commodity/trade", wish(rare, race="月卡")))
    assert "类型不存在" in no(ask(dock, key, "commodity/trade", wish(rare, sku={"区服": "一区"})))
    assert "request_no" in no(ask(dock, key, "commodity/trade", wish(rare, request_no="")))
    assert dock.orders(key.member) == dock.orders(poor.member) == 0


def test_the_catalogue_and_all_questions_about_goods(dock: Dock, key: Key) -> None:
    sku = dock.goods(cards=2)
    rows = [
        child for shelf in data(ask(dock, key, "commodity/items")) for child in shelf["children"]
    ]
    (row,) = [one for one in rows if one["code"] == str(sku)]
    assert (row["user_price"], row["stock"], row["delivery_way"]) == ("98.6050", 2, 0)
    assert data(ask(dock, key, "commodity/item", {"code": str(sku)})) == row
    assert data(ask(dock, key, "commodity/inventory", {"sharedCode": str(sku)}))["count"] == 2
    assert data(ask(dock, key, "commodity/stock", {"code": str(sku)})) == {"stock": "2"}
    state = {"shared_code": str(sku), "card_id": "0", "race": ""}
    assert data(ask(dock, key, "commodity/inventoryState", state | {"num": "2"})) == []
    assert no(ask(dock, key, "commodity/inventoryState", state | {"num": "3"})) == "库存不足"
    for draft in ("draftCard", "draft"):
        assert no(ask(dock, key, f"commodity/{draft}", {"code": str(sku)})) == "该商品不支持预选"
    for what, name in (
        ("item", "code"),
        ("stock", "code"),
        ("inventory", "sharedCode"),
        ("valuation", "code"),
    ):
        assert no(ask(dock, key, f"commodity/{what}", {name: "999999", "num": "1"})) == "商品不存在"


def test_a_top_up_asks_for_its_field_and_waits(dock: Dock, key: Key) -> None:
    sku = dock.goods("top_up")
    dock.asks_for(sku, "password", "游戏密码")
    widget = data(ask(dock, key, "commodity/item", {"code": str(sku)}))["widget"]
    assert '"name": "x_password"' in widget
    assert no(ask(dock, key, "commodity/trade", wish(sku, password="the store's"))).startswith(
        "请选择"
    )
    sold = data(ask(dock, key, "commodity/trade", wish(sku, x_password="hunter22")))
    assert sold["secret"] == WAIT
    assert dock.one("SELECT inputs->>'password' FROM orders WHERE order_no = %s", sold["tradeNo"])
    assert data(ask(dock, key, "commodity/query", {"tradeNo": sold["tradeNo"]}))["secret"] == WAIT


def test_another_members_order_is_not_there(dock: Dock, key: Key) -> None:
    sold = data(ask(dock, key, "commodity/trade", wish(dock.goods(cards=1))))
    stranger = dock.key("acg-shared")
    for number in (sold["tradeNo"], "1", "abc", "9" * 30, ""):
        assert no(ask(dock, stranger, "commodity/query", {"tradeNo": number})) == "订单不存在"


DOORS: dict[str, tuple[dict[str, Any], str]] = {
    "another secret": ({"secret": "other"}, "密钥错误"), "no signature": ({"sign": "0"}, "密钥错误"),
    "a signature in Chinese": ({"sign": "签名"}, "密钥错误"), "a field more": ({"late": {"num": "1"}}, "密钥错误"),
    "an unknown key": ({"app_id": "99999999"}, "商户ID不存在"), "no key": ({"app_id": ""}, "商户ID不存在"),
    "an odd key": ({"app_id": "' OR 1=1"}, "商户ID不存在"), "another station": ({"station": MAIN}, "商户ID不存在"),
    "a field twice": ({"more": b"&app_id=1"}, "请求参数格式错误"), "no UTF-8": ({"more": b"&a=%ff"}, "请求参数格式错误"),
    "a NUL": ({"more": b"&a=%00"}, "请求参数格式错误"),
}  # fmt: skip


@pytest.mark.parametrize("what", DOORS)
def test_the_door_is_closed_to(dock: Dock, key: Key, what: str) -> None:
    changes, says = DOORS[what]
    assert no(ask(dock, key, "authentication/connect", **changes)).startswith(says)


def test_the_interface_is_off_until_the_station_switches_it_on(dock: Dock, key: Key) -> None:
    dock.behind("DELETE FROM dock_switch WHERE dialect = 'acg-shared'")
    assert no(ask(dock, key, "authentication/connect")).startswith("密钥错误")
    assert no(ask(dock, key, "commodity/trade", wish(dock.goods(cards=1)))).startswith("密钥错误")


def test_locked_members_and_counted_requests(dock: Dock, key: Key) -> None:
    dock.behind("UPDATE api_key SET per_minute = 2 WHERE key_id = %s", key.key_id)
    assert [ask(dock, key, "authentication/connect")["code"] for _ in range(4)][-1] == 0
    dock.behind("UPDATE member SET state = 'locked' WHERE id = %s", key.member)
    assert no(ask(dock, key, "authentication/connect")) == "You have been banned"


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/shared/commodity/items", 405), ("OPTIONS", "/shared/commodity/trade", 405), ("POST", "/shared/x", 404),
    ("POST", "/plugin/open-api/items", 404), ("GET", "/", 404),
])  # fmt: skip
def test_wrong_addresses_and_methods_are_refused_as_json(
    dock: Dock, method: str, path: str, status: int
) -> None:
    answer = dock.send(method, MOUNT + path)
    assert (answer.status_code, answer.mimetype, answer.json["code"]) == (
        status,
        "application/json",
        status,
    )


def test_a_huge_body_is_refused_unread(dock: Dock) -> None:
    answer = dock.send(
        "POST", f"{MOUNT}/shared/commodity/trade", data=b"x" * 100_000, content_type=FORM
    )
    assert (answer.status_code, answer.json["code"]) == (413, 413)


def test_what_breaks_says_nothing_of_itself(dock: Dock, key: Key) -> None:
    dock.owner.execute("ALTER TABLE sku RENAME TO sku_elsewhere")
    try:
        form = {"app_id": key.key_id}
        form["sign"] = sign(form, key.secret)
        answer = dock.send(
            "POST",
            f"{MOUNT}/shared/commodity/items",
            data=urlencode(form).encode(),
            content_type=FORM,
        )
    finally:
        dock.owner.execute("ALTER TABLE sku_elsewhere RENAME TO sku")
    assert (answer.status_code, answer.json["code"]) == (500, 500)
    assert "sku" not in answer.text
