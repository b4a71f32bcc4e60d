"""Programs that speak 卡卡云 v3 buy at a station."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from kameng_supplier_kakayun.signing import sign

from .docking import Dock, Key, new_number
from .doors import Door, kakayun_request

ENOUGH = 1_000_0000
JSON = {"Content-Type": "application/json;charset=utf-8"}


@pytest.fixture
def dock(dock: Dock) -> Door:
    return Door(dock, "kakayun")


def ask(dock: Door, key: Key, call: str, fields: Any = None, age_s: float = 0, **how: Any) -> Any:
    body = kakayun_request(key, fields or {}, age_s)
    return dock.post(f"dockapiv3/{call}", body, JSON, **how)


def told(answer: Any) -> Any:
    """The data of an answer that did as asked."""
    assert answer.status_code == 200, answer.text
    assert answer.json["code"] == 1, answer.text
    return answer.json["data"]


def code(answer: Any) -> int:
    assert answer.status_code == 200, answer.text
    return int(answer.json["code"])


def wanted(sku: int, **changes: Any) -> dict[str, Any]:
    return {"goodsid": str(sku), "buynum": 1, "usorderno": new_number(), **changes}


def test_a_member_buys_cards_and_reads_them(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.cards(3)
    wish = wanted(sku, buynum=2, maxmoney="197.2100")
    placed = told(ask(dock, key, "order/create", wish))
    assert placed == {"orderno": placed["orderno"], "usorderno": wish["usorderno"]}
    order = told(ask(dock, key, "order/get", {"usorderno": wish["usorderno"]}))
    assert (order["status"], order["refundstatus"], order["money"]) == (5, 0, "197.2100")
    assert len({card["card_pwd"] for card in order["cards"]}) == 2
    assert len(order["cardlist"]) == 2
    assert told(ask(dock, key, "user/info"))["money"] == "802.7900"


def test_a_form_buys_like_json(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.cards(1)
    fields = wanted(sku) | {"userid": key.key_id, "timestamp": int(time.time())}
    body = urlencode({**fields, "sign": sign(fields, key.secret)}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert told(dock.post("dockapiv3/order/create", body, headers))


def test_a_top_up_waits_for_a_person(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.top_up()
    template = told(ask(dock, key, "goods/tpl", {"goodsid": sku}))
    assert [(field["type"], field["title"]) for field in template] == [
        (1, "充值账号"), (3, "游戏大区"),
    ]  # fmt: skip
    rows = [{"attachtype": "1", "value": "13800138000"}, {"attachtype": "3", "value": "一区"}]
    for attach in ("13800138000", rows):
        placed = told(ask(dock, key, "order/create", wanted(sku, attach=attach)))
        order = told(ask(dock, key, "order/get", {"orderno": placed["orderno"]}))
        assert order["status"] in (0, 3)
    assert code(ask(dock, key, "order/create", wanted(sku))) == 1211


def test_goods_are_found_by_group_word_number_and_page(dock: Door) -> None:
    key, sku, top_up = dock.key(), dock.cards(2), dock.top_up()
    groups = told(ask(dock, key, "goods/group"))
    assert [group["groupname"] for group in groups] == ["游戏"]
    page = ask(dock, key, "goods/all", {"groupid": groups[0]["groupid"], "limit": 1, "page": 2})
    assert len(told(page)) == 1
    assert (page.json["nowpage"], page.json["allpage"]) == ("2", page.json["count"])
    details = told(ask(dock, key, "goods/details", {"goodsid": sku}))
    assert (details["goodsprice"], details["stock"], details["goodstype"]) == ("98.6050", 2, 0)
    lite = told(ask(dock, key, "goods/detailslite", {"goodsid": sku}))
    assert lite.items() <= details.items()
    both = told(ask(dock, key, "goods/alllite", {"goodsid": [str(sku), top_up, "99999999"]}))
    assert [row["goodsid"] for row in both] == [sku, top_up]
    only = told(ask(dock, key, "goods/all", {"goodstype": 1, "limit": 50}))
    assert {row["goodstype"] for row in only} == {1}
    found = told(ask(dock, key, "goods/all", {"goodsname": details["goodsname"].split()[1]}))
    assert [row["goodsid"] for row in found] == [sku]


def test_the_same_request_again_is_the_same_order(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.cards(3)
    wish = wanted(sku)
    first, again = (told(ask(dock, key, "order/create", wish)) for _try in range(2))
    assert first == again
    for change in ({"buynum": 2}, {"goodsid": 10**12}, {"buynum": 0}, {"maxmoney": "x"}):
        assert code(ask(dock, key, "order/create", {**wish, **change})) == 1205
    assert dock.orders_of(key) == 1


@pytest.mark.parametrize(
    ("change", "number_"),
    [
        ({"maxmoney": "98.60"}, 1210), ({"goodsid": 10**12}, 1214), ({"goodsid": "x"}, 1214),
        ({"goodsid": None}, 1203), ({"buynum": None}, 1204), ({"buynum": 0}, 1204),
        ({"buynum": 10**9}, 1204), ({"buynum": 2.5}, 1204), ({"buynum": [1]}, 1204),
        ({"buynum": True}, 1204), ({"usorderno": None}, -1), ({"usorderno": {"a": 1}}, -1),
        ({"usorderno": "中文"}, -1), ({"maxmoney": "-1"}, -1), ({"attach": {"a": 1}}, 1211),
        ({"callbackurl": "ftp://a.example/x"}, 1401), ({"callbackurl": "http://10.0.0.1/"}, 1401),
        ({"buynum": 3}, 1206),
    ],
)  # fmt: skip
def test_such_orders_are_refused_and_leave_nothing(
    dock: Door, change: dict[str, Any], number_: int
) -> None:
    key, sku = dock.key(ENOUGH), dock.cards(2)
    assert code(ask(dock, key, "order/create", wanted(sku) | change)) == number_
    assert dock.orders_of(key) == 0
    assert told(ask(dock, key, "user/info"))["money"] == "1000.0000"


def test_without_enough_money_nothing_is_bought(dock: Door) -> None:
    key, sku = dock.key(98_6000), dock.cards(1)  # a cent is missing
    wish = wanted(sku)
    assert code(ask(dock, key, "order/create", wish)) == 1213
    assert code(ask(dock, key, "order/get", {"usorderno": wish["usorderno"]})) == 1301


def test_only_a_right_and_fresh_signature_opens(dock: Door) -> None:
    key = dock.key()
    assert code(ask(dock, replace(key, secret="guess"), "user/info")) == 401
    assert [code(ask(dock, key, "user/info", age_s=age)) for age in (400, -400)] == [403, 403]
    assert code(ask(dock, replace(key, key_id="1999999999"), "user/info")) == 1000
    assert code(ask(dock, Door(dock.shop, "kasushou").key(), "user/info")) == 1000
    signed = json.loads(kakayun_request(key, {"page": 1}))
    for change, expected in (
        ({"page": 2}, 401), ({"sign": ""}, 1200), ({"userid": None}, 1201), ({"timestamp": 0}, 403),
        ({"timestamp": ""}, 1202), ({"sign": 7}, 401), ({"userid": [1]}, -1),
    ):  # fmt: skip
        body = json.dumps(signed | change).encode()
        assert code(dock.post("dockapiv3/goods/all", body, JSON)) == expected


def test_a_key_that_is_bound_to_addresses_opens_from_there_alone(dock: Door) -> None:
    key = dock.key(networks=("198.51.100.0/24",))
    assert code(ask(dock, key, "user/info")) == 402
    assert told(ask(dock, key, "user/info", ip="198.51.100.7"))


def test_orders_of_others_do_not_exist(dock: Door) -> None:
    key, other, sku = dock.key(ENOUGH), dock.key(ENOUGH), dock.cards(1)
    placed = told(ask(dock, key, "order/create", wanted(sku)))
    for name in ("orderno", "usorderno"):
        for call in ("order/get", "order/cancelOrder"):
            assert code(ask(dock, other, call, {name: placed[name]})) == 1301
    assert code(ask(dock, other, "order/get")) == 1300


def test_cancelling_is_no_yes_before_the_money_is_back(dock: Door) -> None:
    key, sku = dock.key(ENOUGH), dock.top_up()
    wish = wanted(sku, attach="13800138000")
    told(ask(dock, key, "order/create", wish))
    asked = {"usorderno": wish["usorderno"]}
    answers = [ask(dock, key, "order/cancelOrder", asked) for _try in range(2)]
    assert [code(answer) for answer in answers] == [0, 0]
    assert all("已提交退款申请" in answer.json["msg"] for answer in answers)
    rows = dock.shop.one("SELECT count(*) FROM refund_request WHERE member_id = %s", key.member)
    assert rows == 1


def test_the_address_for_notices_is_set_told_and_forgotten(dock: Door) -> None:
    key, url = dock.key(), "https://buyer.example/notices"
    assert told(ask(dock, key, "user/geturl")) == []
    assert told(ask(dock, key, "user/seturl", {"receiveurl": url})) == [url]
    assert told(ask(dock, key, "user/geturl")) == [{"url": url}]
    assert code(ask(dock, key, "user/seturl", {"receiveurl": "http://127.0.0.1/"})) == 1401
    assert code(ask(dock, key, "user/seturl")) == 1400
    assert told(ask(dock, key, "user/seturl", {"oldreceiveurl": "all"})) == []
    assert told(ask(dock, key, "user/geturl")) == []


def test_what_is_not_offered_is_said_to_be_so(dock: Door) -> None:
    key = dock.key()
    for call in ("goods/subscribe", "goods/cancelsubscribe", "goods/createexchangecode"):
        answer = ask(dock, key, call, {"goodsid": "1"})
        assert (code(answer), answer.json["msg"]) == (-1, "本站不提供此接口")


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("dockapiv3/nothing", "POST", 404), ("", "POST", 404), ("dockapiv3/user/info", "GET", 405)],
)
def test_every_address_answers_in_the_same_form(
    dock: Door, path: str, method: str, status: int
) -> None:
    answer = dock.post(path, b"", {}, method=method)
    assert (answer.status_code, answer.json["code"]) == (status, -1)


def test_large_and_broken_bodies_are_answered_in_the_same_form(dock: Door) -> None:
    large = dock.post("dockapiv3/user/info", b"{" + b" " * 70_000 + b"}", JSON)
    assert (large.status_code, large.json["code"]) == (413, -1)
    for body in (b"[]", b"{", b'{"a":1,"a":2}', b"\xff", b"a=1&a=2"):
        assert code(dock.post("dockapiv3/user/info", body, JSON)) == -1


def test_too_many_requests_are_refused(dock: Door) -> None:
    key = dock.key()
    dock.shop.owner.execute("UPDATE api_key SET per_minute = 2 WHERE key_id = %s", (key.key_id,))
    assert [code(ask(dock, key, "user/info")) for _request in range(3)] == [1, 1, 404]


def test_trouble_inside_is_told_as_unknown(dock: Door) -> None:
    key = dock.key()
    dock.shop.owner.execute("ALTER TABLE category RENAME TO category_away")
    try:
        answer = ask(dock, key, "goods/group")
    finally:
        dock.shop.owner.execute("ALTER TABLE category_away RENAME TO category")
    assert (answer.status_code, answer.json["code"]) == (500, 9999)
