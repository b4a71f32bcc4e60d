"""卡卡云 v3 as a server, tried with the words of its papers and with our own client of it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.errors import DomainError
from kameng.openapi.domain.dialects.kakayun import fields, reading, showing, signing, words
from kameng.openapi.domain.refusals import REFUSALS
from kameng.orders.domain import STATES
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_kakayun import notices
from kameng_supplier_kakayun import reading as client
from kameng_supplier_kakayun.account import KakayunAccount
from kameng_supplier_kakayun.signing import sign as client_sign
from kameng_supplier_kakayun.supplier import REFUSALS as CLIENT_REFUSALS

from .trade_facts import (
    ACCOUNT,
    CARD,
    CATEGORIES,
    FILLED_UP,
    NOW,
    ORDER,
    REALM,
    TOP_UP,
    VALUES,
    requests,
)

SAMPLE = {
    "userid": "10052", "timestamp": 1735002156, "goodsid": "720938", "buynum": 1,
    "attach": "13088888888", "sign": "is left out",
}  # fmt: skip
SELF = KakayunAccount(
    site_url="https://a.example", api_url="https://a.example", userid="1", key=Secret("TESTKEY"),
    low_balance=Money.zero(),
)  # fmt: skip
BUYING = ("goodsid", "buynum", "usorderno", "maxmoney", "callbackurl", "attach")


@pytest.mark.parametrize(
    ("key", "sign"),
    [
        ("TESTKEY", "2f84e5274434e0f31bd084a0f43657dd"),
        ("9aa3034b6beba7cf5bfcf6089218a674", "82a4da7502872e7a128b510d10cad6ab"),
        ("9aa3034b6beba7cf5bfcf6089218a673", "921bfe2dcd4ecca574d8b8c76412ede5"),
    ],
)
def test_the_published_samples_are_signed(key: str, sign: str) -> None:
    assert signing.signer(SAMPLE, sign, ("other", key)) == key
    assert not signing.signer(SAMPLE, sign, ("other",))
    assert not signing.signer(SAMPLE | {"buynum": 2}, sign, (key,))
    assert not signing.signer(SAMPLE, "ÿ\ud800", (key,))


def test_odd_values_are_signed_as_php_writes_them() -> None:
    rows = [{"attachtype": "9", "value": "张三/路 7\r"}, {"price": 1.0}, "\u2028"]
    assert signing.canonical_text({"attach": rows, "b": 10.0, "c": 13.36, "d": True, "e": 0}) == (
        'attach=[{"attachtype":"9","value":"张三/路 7\\r"},{"price":1.0},"\\u2028"]'
        "&b=10&c=13.36&d=true&e=0"
    )
    assert signing.canonical_text({"a": "", "b": None, "c": [], "d": "0"}) == "c=[]&d=0"


@given(params=st.dictionaries(st.text(max_size=5), VALUES, max_size=5))
def test_what_our_client_signs_is_signed(params: dict[str, Any]) -> None:
    with suppress(UnicodeEncodeError):  # half a character is nothing that a client can send
        assert signing.signer(params, client_sign(params, "k"), ("k",)) == "k"
    assert not signing.signer(params, "x", ("k",))


@given(params=requests(*BUYING), product=st.sampled_from([CARD, TOP_UP]))
def test_an_order_is_read_or_refused_and_nothing_else(params: dict[str, Any], product: Any) -> None:
    with suppress(DomainError):
        wanted = reading.buy(params, product)
        assert wanted.quantity >= 1
        assert set(wanted.inputs) <= {field.name for field in product.fields}


@given(
    params=requests(
        "limit", "page", "goodstype", "groupid", "goodsname", "goodsid", "orderno", "usorderno",
        "receiveurl", "oldreceiveurl",
    )
)  # fmt: skip
def test_questions_are_read_or_refused_and_nothing_else(params: dict[str, Any]) -> None:
    with suppress(DomainError):
        assert 1 <= reading.listing(params, 50).limit <= 50
    with suppress(DomainError):
        assert any(reading.asked_order(params))
    with suppress(DomainError):
        assert isinstance(reading.receive_url(params), str)


def test_an_order_is_read_as_our_client_writes_it() -> None:
    rows = [{"attachtype": "1", "value": "13800138000"}, {"attachtype": "3", "value": "青龙"}]
    sent = {
        "goodsid": "72", "buynum": 3, "usorderno": "P1", "maxmoney": "12.3456", "attach": rows,
        "callbackurl": "https://b.example/x",
    }  # fmt: skip
    _signed, exact = reading.parameters(json.dumps(sent).encode())
    wanted = reading.buy(exact, TOP_UP)
    assert (wanted.sku, wanted.quantity, wanted.max_total) == ("TOP", 3, 12_3456)
    assert (wanted.merchant_order_no, wanted.notify_url) == ("P1", "https://b.example/x")
    assert wanted.inputs == {"account": "13800138000", "realm": "青龙"}


def test_fractions_are_exact_and_signed_as_numbers() -> None:
    signed, exact = reading.parameters(b'{"maxmoney": 11.10}')
    assert signing.canonical_text(signed) == "maxmoney=11.1"
    assert exact == {"maxmoney": "11.10"}


def test_a_form_is_read_like_json() -> None:
    pairs = [("buynum", "1"), ("usorderno", "P1"), ("attach", '[{"attachtype":1,"value":"7"}]')]
    signed, exact = reading.parameters(urlencode(pairs).encode())
    assert signed == exact == dict(pairs)
    assert reading.buy(exact, TOP_UP).inputs == {"account": "7"}
    with pytest.raises(DomainError):
        reading.parameters(urlencode([*pairs, ("buynum", "2")]).encode())


@given(body=st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_bodies_are_parameters_or_refused(body: bytes) -> None:
    with suppress(DomainError):
        signed, exact = reading.parameters(body)
        assert signed.keys() == exact.keys()


def test_one_value_is_for_the_one_field_that_is_needed() -> None:
    asked = {"buynum": 1, "usorderno": "P1", "attach": "138"}
    assert reading.buy(asked, TOP_UP).inputs == {"account": "138"}
    assert reading.buy(asked, CARD).inputs == {}
    both = replace(TOP_UP, fields=(ACCOUNT, replace(REALM, required=True)))
    with pytest.raises(DomainError) as refused:
        reading.buy(asked, both)
    assert refused.value.code == "inputs_invalid"


@pytest.mark.parametrize(
    "rows",
    [
        [{"attachtype": "99", "value": "x"}],
        [{"attachtype": "1", "value": "x"}, {"attachtype": 1, "value": "y"}],
        [{"value": "x"}], ["x"], [{"attachtype": "1", "value": ["x"]}],
    ],
)  # fmt: skip
def test_other_lists_of_values_are_refused(rows: object) -> None:
    with pytest.raises(DomainError):
        reading.buy({"buynum": 1, "usorderno": "P1", "attach": rows}, TOP_UP)


def test_types_of_fields_do_not_depend_on_their_place() -> None:
    own = replace(ACCOUNT, name="server", label="服务器线路")
    types = dict(zip(("a", "r", "s"), fields.field_types([ACCOUNT, REALM, own]), strict=True))
    again = dict(zip(("s", "a", "r"), fields.field_types([own, ACCOUNT, REALM]), strict=True))
    assert types == again
    assert (types["a"], types["r"]) == (1, 3)
    twice = fields.field_types([ACCOUNT, replace(ACCOUNT, name="account2")])
    assert len(set(twice)) == 2


def test_fields_with_one_label_have_names_of_their_own() -> None:
    titles = fields.field_titles([ACCOUNT, replace(ACCOUNT, name="account2"), REALM])
    assert titles == ["充值账号（account）", "充值账号（account2）", "游戏大区"]


def test_our_client_reads_goods_and_groups() -> None:
    groups = client.groups(showing.group_rows(CATEGORIES))
    assert groups == {"1": "游戏", "2": "游戏 / 点卡", "3": "话费"}
    offer = client.offer(showing.goods_row(TOP_UP), groups)
    assert (offer.sku_ref, offer.cost, offer.category) == ("72", Money(95_1250), "游戏 / 点卡")
    assert (offer.stock, offer.on_sale, offer.kind.value) == (1000, True, "top_up")
    assert [field.name for field in offer.fields] == ["充值账号", "游戏大区"]
    assert client.offer(showing.goods_row(CARD), groups).kind.value == "card"


def test_our_client_reads_delivered_cards() -> None:
    result = client.result(showing.order_row(ORDER))
    assert result.outcome is Outcome.SUCCEEDED
    assert [(d.number, d.code.reveal()) for d in result.deliveries if d.code] == [
        ("9001", "AAAA/BBBB"), ("", "CCCC-中文"),
    ]  # fmt: skip
    assert (result.cost, result.supplier_ref) == (Money(190_2500), ORDER.order_no)


def test_our_client_reads_a_finished_top_up() -> None:
    result = client.result(showing.order_row(FILLED_UP))
    assert result.outcome is Outcome.SUCCEEDED
    assert [delivery.note for delivery in result.deliveries] == ["已到账"]


@pytest.mark.parametrize(
    ("changes", "outcome", "refund"),
    [
        ({"state": "paid", "cards": ()}, Outcome.PENDING, 0),
        ({"state": "fulfilling", "cards": ()}, Outcome.PENDING, 0),
        ({"state": "held", "cards": ()}, Outcome.PENDING, 0),
        ({"state": "refunding", "cards": ()}, Outcome.PENDING, 0),
        ({"state": "partially_delivered", "delivered": 1}, Outcome.PENDING, 0),
        ({"state": "refunded", "refunded": 190_2500, "delivered": 0}, Outcome.DECLINED, 1),
        ({"state": "refunded", "refunded": 190_2500}, Outcome.SUCCEEDED, 1),
        ({"state": "delivered", "refunded": 95_0000}, Outcome.SUCCEEDED, 2),
        ({"state": "expired", "cards": ()}, Outcome.DECLINED, 0),
    ],
)  # fmt: skip
def test_our_client_understands_every_state(
    changes: dict[str, Any], outcome: Outcome, refund: int
) -> None:
    row = showing.order_row(replace(ORDER, **changes))
    assert (client.result(row).outcome, row["refundstatus"]) == (outcome, refund)


def test_every_state_of_an_order_has_a_number() -> None:
    assert set(showing.STATES) == set(STATES)


@pytest.mark.parametrize(("order", "kind"), [(ORDER, 1), (FILLED_UP, 0)])
def test_our_client_believes_a_notice_with_its_cards(order: Any, kind: int) -> None:
    body = showing.notice(order, "TESTKEY", int(NOW.timestamp()))
    assert body["push_type"] == kind
    request = WebhookRequest(
        method="POST", path="/", query="", headers={}, body=json.dumps(body).encode()
    )
    (event,) = notices.parse(SELF, NOW, request).events
    assert event.purchase_no == "A/1"
    assert event.result is not None
    assert len(event.result.deliveries) == len(order.cards) or kind == 0


@pytest.mark.parametrize(
    ("code", "field", "number"),
    [
        ("signature_invalid", "", 401), ("ip_refused", "", 402), ("timestamp_invalid", "", 403),
        ("too_many", "", 404), ("key_unknown", "", 1000), ("field_missing", "sign", 1200),
        ("field_missing", "userid", 1201), ("field_missing", "goodsid", 1203),
        ("field_missing", "buynum", 1204), ("field_invalid", "buynum", 1204),
        ("quantity_invalid", "", 1204), ("conflict", "", 1205), ("not_on_sale", "", 1206),
        ("out_of_stock", "", 1206), ("max_total_exceeded", "", 1210), ("inputs_invalid", "", 1211),
        ("insufficient_balance", "", 1213), ("sku_unknown", "", 1214), ("order_unknown", "", 1301),
        ("field_missing", "orderno", 1300), ("field_missing", "usorderno", -1),
        ("internal", "", 9999), ("unavailable", "", 9999), ("json_invalid", "", -1),
        ("never heard of", "", -1),
    ],
)  # fmt: skip
def test_refusals_have_the_numbers_of_the_papers(code: str, field: str, number: int) -> None:
    assert words.refusal(code, field)[0] == number
    sure = number in (401, 402, 403, 404, 1000) or (1200 <= number < 1300 and number != 1205)
    assert (number in CLIENT_REFUSALS) is sure


def test_codes_are_for_refusals_that_there_are() -> None:
    assert set(words.CODES) <= set(REFUSALS) | {"not_offered"}
