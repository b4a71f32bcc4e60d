"""Programs that speak 卡速售 2.0 buy at a station."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from .docking import Dock, Key, new_number
from .doors import Door, kasushou_request

ENOUGH = 1_000_0000


@pytest.fixture
def dock(dock: Dock) -> Door:
    return Door(dock, "kasushou")


def ask(dock: Door, key: Key, call: str, fields: Any = None, age_s: float = 0, **how: Any) -> Any:
    body, headers = kasushou_request(key, {} if fields is None else fields, age_s)
    return dock.post(f"api/v1/{call}", body, headers, **how)


def told(answer: Any) -> Any:
    """The data of an answer that did as asked."""
    assert answer.status_code == 200, answer.text
    assert answer.json["code"] == 200, answer.text
    return answer.json["data"]


def refusal(answer: Any) -> str:
    assert (answer.status_code, answer.json["code"]) == (200, 400), answer.text
    return str(answer.json["msg"])


def wanted(sku: int, **changes: Any) -> dict[str, Any]:
    return {"id": sku, "quantity": 1, "external_orderno": new_number(), **changes}


def test_a_member_buys_cards_and_reads_them(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.cards(3)
    wish = wanted(sku, quantity=2, safe_price="197.21")
    placed = told(ask(dock, key, "order/buy", wish))
    assert set(placed) == {"ordersn", "external_orderno", "total_price"}
    assert placed["total_price"] == "197.21"
    (order,) = told(ask(dock, key, "order/info", {"external_orderno": wish["external_orderno"]}))
    assert (order["status"], order["ordersn"]) == (3, placed["ordersn"])
    assert len({card["card_password"] for card in order["card_list"]}) == 2
    assert told(ask(dock, key, "user/info")) == {"balance": "802.7900"}


def test_a_top_up_waits_for_a_person(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.top_up()
    fields = told(ask(dock, key, "goods/attach", {"goods_id": sku}))
    assert [field["key"] for field in fields] == ["account", "realm"]
    placed = told(ask(dock, key, "order/buy", wanted(sku, attach={"account": "13800138000"})))
    (order,) = told(ask(dock, key, "order/info", {"ordersn": placed["ordersn"]}))
    assert order["status"] in (1, 2)
    assert order["recharge_info"] == [{"n": "account", "k": "account", "v": "13800138000"}]


def test_goods_are_found_by_category_word_and_page(dock: Door) -> None:
    key, sku = dock.key(), dock.cards(2)
    categories = told(ask(dock, key, "goods/cate"))
    assert [one["name"] for one in categories] == ["游戏"]
    found = told(ask(dock, key, "goods/list", {"cate_id": categories[0]["id"], "limit": 1}))
    assert len(found["list"]) == 1
    assert found["total"] >= 1
    last = told(ask(dock, key, "goods/list", {"limit": 1, "page": found["total"]}))
    assert last["list"][0]["id"] == sku
    details = told(ask(dock, key, "goods/info", {"id": sku}))
    assert (details["goods_price"], details["stock_num"], details["status"]) == ("98.6050", 2, 1)
    line = told(ask(dock, key, "goods/list", {"keyword": details["goods_name"].split()[1]}))
    assert [one["id"] for one in line["list"]] == [sku]
    assert told(ask(dock, key, "goods/pricelog", {"id": sku}))["list"] == []


def test_the_same_request_again_is_the_same_order(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.cards(3)
    wish = wanted(sku)
    first, again = (told(ask(dock, key, "order/buy", wish)) for _try in range(2))
    assert first == again
    assert "三方订单号已存在" in refusal(ask(dock, key, "order/buy", {**wish, "quantity": 2}))
    assert dock.orders_of(key) == 1


def test_a_used_number_is_never_told_that_nothing_was_bought(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.cards(1)
    wish = wanted(sku)
    told(ask(dock, key, "order/buy", wish))
    for change in ({"id": 10**12}, {"quantity": 0}, {"safe_price": "x"}):
        assert "三方订单号已存在" in refusal(ask(dock, key, "order/buy", {**wish, **change}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"safe_price": "98.60"}, "安全价格"), ({"id": 10**12}, "商品不存在"),
        ({"id": "x"}, "参数错误"), ({"id": None}, "参数不能为空"), ({"quantity": 0}, "购买数量"),
        ({"quantity": 10**9}, "购买数量"), ({"quantity": "2.5"}, "参数错误"),
        ({"quantity": [1]}, "参数错误"), ({"external_orderno": ""}, "参数不能为空"),
        ({"external_orderno": {"a": 1}}, "参数错误"), ({"external_orderno": "中文"}, "参数错误"),
        ({"safe_price": "-1"}, "参数错误"), ({"attach": "x"}, "参数错误"),
        ({"url": "ftp://a.example/x"}, "参数错误"), ({"url": "http://127.0.0.1/x"}, "参数错误"),
        ({"quantity": 3}, "库存不足"),
    ],
)  # fmt: skip
def test_such_orders_are_refused_and_leave_nothing(
    dock: Door, change: dict[str, Any], words: str
) -> None:
    key, sku = dock.key(ENOUGH), dock.cards(2)
    wish = {name: value for name, value in (wanted(sku) | change).items() if value is not None}
    assert words in refusal(ask(dock, key, "order/buy", wish))
    assert dock.orders_of(key) == 0
    assert told(ask(dock, key, "user/info")) == {"balance": "1000.0000"}


def test_without_enough_money_nothing_is_bought(dock: Door) -> None:
    key, sku = dock.key(98_6000), dock.cards(1)  # a cent is missing
    wish = wanted(sku)
    assert "余额不足" in refusal(ask(dock, key, "order/buy", wish))
    assert told(ask(dock, key, "order/info", wish)) == []


def test_a_top_up_without_its_account_is_refused(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.top_up()
    assert "下单参数错误" in refusal(ask(dock, key, "order/buy", wanted(sku)))


def test_only_a_right_and_fresh_signature_opens(dock: Door) -> None:
    key, other = dock.key(), dock.key()
    assert "签名错误" in refusal(ask(dock, replace(key, secret="guess"), "user/info"))
    assert "签名错误" in refusal(ask(dock, replace(key, secret=other.secret), "user/info"))
    for age in (400, -400):
        assert "时间戳" in refusal(ask(dock, key, "user/info", age_s=age))
    assert "用户不存在" in refusal(ask(dock, replace(key, key_id="1999999999"), "user/info"))
    body, headers = kasushou_request(key, {"page": 1})
    tampered = dock.post("api/v1/goods/list", body.replace(b"1", b"2"), headers)
    assert "签名错误" in refusal(tampered)
    for name in headers:
        rest = {n: value for n, value in headers.items() if n != name}
        assert "不能为空" in refusal(dock.post("api/v1/user/info", body, rest))


def test_a_key_of_another_system_opens_nothing_here(dock: Door) -> None:
    key = Door(dock.shop, "kakayun").key()
    assert "用户不存在" in refusal(ask(dock, key, "user/info"))


def test_a_key_that_is_bound_to_addresses_opens_from_there_alone(dock: Door) -> None:
    key = dock.key(networks=("198.51.100.0/24",))
    assert "白名单" in refusal(ask(dock, key, "user/info"))
    assert told(ask(dock, key, "user/info", ip="198.51.100.7"))


def test_orders_of_others_do_not_exist(dock: Door) -> None:
    key, other, sku = dock.key(ENOUGH), dock.key(ENOUGH), dock.cards(2)
    wish = wanted(sku)
    placed = told(ask(dock, key, "order/buy", wish))
    for name in ("ordersn", "external_orderno"):
        asked = {name: placed[name]}
        assert told(ask(dock, other, "order/info", asked)) == []
        assert "订单不存在" in refusal(ask(dock, other, "order/close", asked))
    mine = told(ask(dock, other, "order/buy", wish))  # numbers belong to a member
    assert mine["ordersn"] != placed["ordersn"]


def test_closing_asks_for_the_money_once(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.top_up()
    placed = told(ask(dock, key, "order/buy", wanted(sku, attach={"account": "13800138000"})))
    asked = {"ordersn": placed["ordersn"]}
    assert told(ask(dock, key, "order/close", asked)) == []
    assert told(ask(dock, key, "order/close", asked)) == []
    assert "待处理" in refusal(ask(dock, key, "order/complain", {**asked, "content": "没到账"}))
    rows = dock.shop.one("SELECT count(*) FROM refund_request WHERE member_id = %s", key.member)
    assert rows == 1


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("api/v1/nothing", "POST", 404), ("", "POST", 404), ("api/v1//user/info", "POST", 404),
     ("api/v1/user/info", "GET", 405), ("api/v1/user/info", "DELETE", 405)],
)  # fmt: skip
def test_every_address_answers_in_the_same_form(
    dock: Door, path: str, method: str, status: int
) -> None:
    answer = dock.post(path, b"", {}, method=method)
    assert (answer.status_code, answer.json["code"]) == (status, 400)


def test_large_and_broken_bodies_are_answered_in_the_same_form(dock: Door) -> None:
    key = dock.key()
    large = ask(dock, key, "goods/list", b"{" + b" " * 70_000 + b"}")
    assert (large.status_code, large.json["code"]) == (413, 400)
    for body in (b"[]", b"{", b'{"id":1,"id":2}', b"\xff"):
        assert "参数错误" in refusal(ask(dock, key, "goods/info", body))


def test_two_secrets_live_until_one_is_taken_back(dock: Door) -> None:
    from kameng.db import station_scope
    from kameng.openapi import api

    key = dock.key()
    with dock.shop.app.app_context(), station_scope(3):
        (found,) = api.keys_of(key.member)
        second = api.add_secret(key.member, found.id, "member")
        first_id = found.secrets[0].id
    assert told(ask(dock, replace(key, secret=second), "user/info"))
    assert told(ask(dock, key, "user/info"))
    with dock.shop.app.app_context(), station_scope(3):
        api.revoke_secret(key.member, found.id, first_id, "member")
    assert "签名错误" in refusal(ask(dock, key, "user/info"))
    assert told(ask(dock, replace(key, secret=second), "user/info"))


def test_a_closed_station_sells_nothing_and_still_tells_of_orders(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.cards(2)
    placed = told(ask(dock, key, "order/buy", wanted(sku)))
    dock.shop.owner.execute("UPDATE station SET state = 'suspended' WHERE id = 3")
    try:
        assert "暂停营业" in refusal(ask(dock, key, "order/buy", wanted(sku)))
        assert told(ask(dock, key, "order/info", {"ordersn": placed["ordersn"]}))
    finally:
        dock.shop.owner.execute("UPDATE station SET state = 'active' WHERE id = 3")


def test_too_many_requests_are_refused(dock: Door) -> None:
    key = dock.key()
    dock.shop.owner.execute("UPDATE api_key SET per_minute = 2 WHERE key_id = %s", (key.key_id,))
    answers = [ask(dock, key, "user/info") for _request in range(3)]
    assert [answer.json["code"] for answer in answers] == [200, 200, 400]
    assert "频繁" in refusal(answers[2])


def test_trouble_inside_is_told_as_unknown(dock: Door) -> None:
    key = dock.key()
    dock.shop.owner.execute("ALTER TABLE category RENAME TO category_away")
    try:
        answer = ask(dock, key, "goods/cate")
    finally:
        dock.shop.owner.execute("ALTER TABLE category_away RENAME TO category")
    assert (answer.status_code, answer.json["code"]) == (500, 500)
    assert json.loads(answer.data)["msg"] == "未知错误"
