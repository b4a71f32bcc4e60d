"""Signatures against published samples, and against the simulator's own way of making them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng_supplier_kasushou.signing import (
    Literal,
    goods_notice_sign,
    order_notice_sign,
    php_json,
    request_body,
    request_sign,
    same,
)
from kameng_supplier_kasushou.simulator.signing import (
    digest,
    request_is_signed,
    signed_goods_notice,
    signed_notice,
)

QUESTION = {"ordersn": "D100759082558859640832", "external_orderno": "", "day": 10}
TIME = "1696645385740"
TEXTS = st.dictionaries(st.text(min_size=1, max_size=9), st.text(max_size=20), max_size=5)


@pytest.mark.parametrize(
    ("fields", "key", "sign"),
    [
        (QUESTION, "H0YnuPpcVtx7rQdMTbjN6932s5oDOqFa", "15b8f541eb10e3fbb33efd92c8d52d50ddca0784"),
        (QUESTION, "TESTKEY", "1f8f94552b3648069825dcb62548d44a80363ee5"),
        ({}, "TESTKEY", "1cd3f1ff5af5b6c7e862aaa2e0d37d9b41bf5435"),
    ],
)
def test_the_published_request_samples_are_reproduced(
    fields: dict[str, object], key: str, sign: str
) -> None:
    assert request_sign(TIME, request_body(fields), key) == sign


def test_the_published_notice_sample_is_reproduced() -> None:
    facts = {"external_orderno": "A/1", "ordersn": "D1", "status": 3, "time": 1696645385}
    beside = {"card_list": [{"card_no": "1"}], "express_list": "x", "sign": "y"}
    sign = order_notice_sign({**beside, **facts}, "TESTKEY")
    assert sign == "b4cc2a7c8d86f497aba720cc562e543cd2fc0e8d"


def test_a_goods_notice_signs_number_and_time_alone() -> None:
    facts = {"time": "1695073529531", "id": "7"}
    sign = goods_notice_sign(facts, "K")
    assert sign == goods_notice_sign({**facts, "goods_price": "0.01", "status": "3"}, "K")
    assert sign == digest("1695073529531", '{"id":"7","time":"1695073529531"}', "K")
    assert sign != goods_notice_sign({**facts, "id": "8"}, "K")


def test_bodies_are_sorted_at_the_top_and_escape_nothing() -> None:
    body = request_body({"url": "https://a.test/钩", "attach": {"b": "1", "a": "2"}})
    assert body == '{"attach":{"b":"1","a":"2"},"url":"https://a.test/钩"}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a/测\u2028\u2029", '"a\\/测\\u2028\\u2029"'),
        ('"\\\n\x07', '"\\"\\\\\\n\\u0007"'),
        (Literal("3.10"), "3.10"),
        ({"n": [1, None, True, {"x/": "y"}]}, '{"n":[1,null,true,{"x\\/":"y"}]}'),
    ],
)
def test_texts_are_written_as_php_writes_them(value: object, text: str) -> None:
    assert php_json(value) == text


@given(fields=TEXTS, key=st.text(alphabet="abc123", min_size=1))
def test_the_site_accepts_what_we_sign(fields: dict[str, str], key: str) -> None:
    body = request_body(fields)
    headers = {"Timestamp": TIME, "Sign": request_sign(TIME, body, key)}
    now = int(TIME) / 1000
    assert request_is_signed(headers, json.loads(body), key, now)
    assert not request_is_signed(headers, {**json.loads(body), "more": "1"}, key, now)


@given(facts=TEXTS, key=st.text("abc", min_size=1))
def test_we_accept_what_the_site_signs(facts: dict[str, str], key: str) -> None:
    # Two separators are left out: the simulator writes them as Python does, and not as PHP.
    plain = {n: v for n, v in facts.items() if not {"\u2028", "\u2029"} & set(n + v)}
    for name in ("sign", "card_list", "express_list"):
        plain.pop(name, None)
    notice = signed_notice(plain, key, [{"card_no": "1", "card_password": "2"}])
    assert same(order_notice_sign(notice, key), notice["sign"])
    goods = signed_goods_notice({"id": "5", "status": "2"}, key)
    assert same(goods_notice_sign(goods, key), goods["sign"])


@pytest.mark.parametrize("sign", ["", "0" * 40, "签名", "15b8", "\x00", "\ud800"])
def test_a_wrong_signature_is_false_and_never_an_error(sign: str) -> None:
    assert not same(request_sign(TIME, "{}", "K"), sign)
