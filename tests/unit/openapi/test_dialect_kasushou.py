"""卡速售 2.0 as a server, tried with the words of its papers and with our own client of it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.errors import DomainError
from kameng.openapi.domain.dialects.kasushou import reading, showing, signing, words
from kameng.openapi.domain.dialects.values import json_object, yuan
from kameng.openapi.domain.refusals import REFUSALS
from kameng.orders.domain import STATES
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_kasushou import catalog, notices, orders
from kameng_supplier_kasushou.account import KasushouAccount
from kameng_supplier_kasushou.refusals import refusal_code, says_no_such_order
from kameng_supplier_kasushou.signing import request_body, request_sign

from .trade_facts import CARD, CATEGORIES, FILLED_UP, NOW, ORDER, REALM, TOP_UP, VALUES, requests

TIME = "1696645385740"
QUESTION = b'{"day":10,"external_orderno":"","ordersn":"D100759082558859640832"}'
ACCOUNT = KasushouAccount(
    base_url="https://a.example", user_id="1", key=Secret("TESTKEY"), low_balance=Money.zero()
)
BUYING = ("id", "quantity", "external_orderno", "url", "safe_price", "mark", "attach")


@pytest.mark.parametrize(
    ("body", "key", "sign"),
    [
        (QUESTION, "H0YnuPpcVtx7rQdMTbjN6932s5oDOqFa", "15b8f541eb10e3fbb33efd92c8d52d50ddca0784"),
        (QUESTION, "TESTKEY", "1f8f94552b3648069825dcb62548d44a80363ee5"),
        (b"{}", "TESTKEY", "1cd3f1ff5af5b6c7e862aaa2e0d37d9b41bf5435"),
        (b"", "TESTKEY", "1cd3f1ff5af5b6c7e862aaa2e0d37d9b41bf5435"),
    ],
)
def test_the_published_samples_are_signed(body: bytes, key: str, sign: str) -> None:
    assert signing.signer(TIME, body, sign, ("other", key)) == key
    assert signing.signer(TIME, body, sign.upper(), (key,)) == key
    assert not signing.signer(TIME, body + b" ", sign, (key,))
    assert not signing.signer(TIME, body, sign, ("other",))
    assert not signing.signer(TIME, body, "", (key,))


def test_the_published_sample_of_a_notice_is_reproduced() -> None:
    facts = {"external_orderno": "A/1", "ordersn": "D1", "status": 3, "time": 1696645385}
    beside = {"card_list": [{"card_no": "1"}], "express_list": "x", "sign": "y"}
    sign = signing.notice_sign({**beside, **facts}, "TESTKEY")
    assert sign == "b4cc2a7c8d86f497aba720cc562e543cd2fc0e8d"


@given(
    fields=st.dictionaries(st.text(min_size=1, max_size=6), st.text(max_size=9) | st.integers()),
    secret=st.text(st.characters(codec="ascii"), min_size=1, max_size=20),
)
def test_what_our_client_signs_is_signed(fields: dict[str, object], secret: str) -> None:
    body = request_body(fields)
    sign = request_sign(TIME, body, secret)
    assert signing.signer(TIME, body.encode(), sign, (secret,)) == secret
    assert not signing.signer(str(int(TIME) + 1), body.encode(), sign, (secret,))
    assert json_object(body.encode()) == fields


@pytest.mark.parametrize(
    ("stamp", "fits"),
    [(TIME, True), ("1696645685740", True), ("1696645085740", True), ("1696645685741", False),
     ("1696645085739", False), ("1696645385", False), ("", False), ("１６９６６４５３８５７４０", False),
     ("-696645385740", False)],
)  # fmt: skip
def test_time_is_thirteen_digits_within_five_minutes(stamp: str, fits: bool) -> None:
    assert signing.in_time(stamp, int(TIME) / 1000, 300) is fits


@given(body=requests(*BUYING), product=st.sampled_from([CARD, TOP_UP]))
def test_an_order_is_read_or_refused_and_nothing_else(body: dict[str, Any], product: Any) -> None:
    with suppress(DomainError):
        wanted = reading.buy(body, product)
        assert wanted.quantity >= 1
        assert set(wanted.inputs) <= {field.name for field in product.fields}


@given(body=requests("cate_id", "keyword", "limit", "page", "ordersn", "external_orderno"))
def test_questions_are_read_or_refused_and_nothing_else(body: dict[str, Any]) -> None:
    with suppress(DomainError):
        assert 1 <= reading.listing(body).limit <= 100
    with suppress(DomainError):
        own, ours = reading.asked_orders(body)
        assert 1 <= len(own) + len(ours) <= 50


@given(body=st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_bodies_are_objects_or_refused(body: bytes) -> None:
    with suppress(DomainError):
        assert isinstance(json_object(body), dict)


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":1}', b'{"a":NaN}', b"[" * 9_000, b'{"a":' * 9_000, b"\xff", b"[]", b"7"]
)
def test_such_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(DomainError):
        json_object(body)


def test_an_order_is_read_as_our_client_writes_it() -> None:
    body = request_body(
        {
            "id": 72, "quantity": 3, "external_orderno": "P1", "safe_price": "12.3456",
            "url": "https://b.example/x", "attach": {"account": "13800138000", "realm": "青龙"},
        }
    )  # fmt: skip
    wanted = reading.buy(json_object(body.encode()), TOP_UP)
    assert (wanted.sku, wanted.quantity, wanted.max_total) == ("TOP", 3, 12_3456)
    assert (wanted.merchant_order_no, wanted.notify_url) == ("P1", "https://b.example/x")
    assert wanted.inputs == {"account": "13800138000", "realm": "青龙"}


@pytest.mark.parametrize(
    ("written", "amount"),
    [(12, 12_0000), ("12.30", 12_3000), ("0", 0), ("1.00000", 1_0000), ("", None), (None, None)],
)
def test_amounts_are_texts_or_numbers(written: object, amount: int | None) -> None:
    assert yuan({"safe_price": written}, "safe_price") == amount


@pytest.mark.parametrize("written", ["-1", "1.00001", "1e3", "abc", True, [1], "1.2.3", "1" * 19])
def test_other_amounts_are_refused(written: object) -> None:
    with pytest.raises(DomainError):
        yuan({"safe_price": written}, "safe_price")


def test_the_usual_account_name_is_understood_where_there_is_one_field() -> None:
    asked = {"external_orderno": "P1", "attach": {"recharge_account": "138"}}
    single = replace(TOP_UP, fields=TOP_UP.fields[:1])
    assert reading.buy(asked, single).inputs == {"account": "138"}
    assert reading.buy(asked, TOP_UP).inputs == {}


def test_an_order_without_the_buyers_number_is_refused() -> None:
    with pytest.raises(DomainError) as refused:
        reading.buy({"id": 1, "quantity": 1}, CARD)
    assert refused.value.code == "field_missing"


def test_lists_of_orders_have_fifty_numbers_at_most() -> None:
    assert reading.asked_orders({"ordersn": "1, 2,,1"}) == ([], ["1", "2"])
    for body in ({}, {"ordersn": ",".join(map(str, range(51)))}, {"ordersn": " , "}):
        with pytest.raises(DomainError):
            reading.asked_orders(body)


def test_our_client_reads_the_categories() -> None:
    places = catalog._places(showing.category_list(CATEGORIES))
    assert [(place.id, place.path) for place in places] == [
        ("1", "游戏"), ("2", "游戏 / 点卡"), ("3", "话费"),
    ]  # fmt: skip


def test_our_client_reads_the_goods() -> None:
    offer = catalog._offer(showing.goods_line(CARD), "x")
    assert offer is not None
    assert (offer.sku_ref, offer.name, offer.cost) == ("71", "Steam 充值卡 100 元", Money(95_1250))
    assert (offer.stock, offer.on_sale, offer.kind.value) == (1000, True, "card")
    fields = list(catalog._fields(showing.goods_details(TOP_UP)["attach"]))
    assert [(f.name, f.label, f.choices) for f in fields] == [
        ("account", "充值账号", ()), ("realm", "游戏大区", ("青龙", "白虎")),
    ]  # fmt: skip


@pytest.mark.parametrize("choices", [("1",), ("a,b", "c"), ("甲", "乙"), ('["x"]',)])
def test_choices_are_never_torn_apart(choices: tuple[str, ...]) -> None:
    shown = showing.template(replace(TOP_UP, fields=(replace(REALM, choices=choices),)))
    assert next(iter(catalog._fields(shown))).choices == choices


def test_our_client_reads_delivered_cards() -> None:
    result = orders.result_of(showing.order_line(ORDER))
    assert result.outcome is Outcome.SUCCEEDED
    assert [(d.number, d.code.reveal()) for d in result.deliveries if d.code] == [
        ("9001", "AAAA/BBBB"), ("", "CCCC-中文"),
    ]  # fmt: skip
    assert (result.cost, result.supplier_ref) == (Money(190_2500), ORDER.order_no)


@pytest.mark.parametrize("inputs", [{"account": "138"}, {}])
def test_our_client_reads_a_finished_top_up(inputs: dict[str, str]) -> None:
    result = orders.result_of(showing.order_line(replace(FILLED_UP, inputs=inputs)))
    assert result.outcome is Outcome.SUCCEEDED
    assert result.message == "已到账"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"state": "paid"}, Outcome.PENDING), ({"state": "fulfilling"}, Outcome.PENDING),
        ({"state": "held"}, Outcome.PENDING), ({"state": "refunding"}, Outcome.PENDING),
        ({"state": "partially_delivered", "delivered": 1}, Outcome.PENDING),
        ({"state": "refunded", "refunded": 190_2500}, Outcome.DECLINED),
        ({"state": "completed"}, Outcome.SUCCEEDED),
        ({"state": "delivered", "refunded": 95_0000}, Outcome.SUCCEEDED),
        ({"state": "expired", "cards": ()}, Outcome.UNKNOWN),
    ],
)  # fmt: skip
def test_our_client_understands_every_state(changes: dict[str, Any], outcome: Outcome) -> None:
    assert orders.result_of(showing.order_line(replace(ORDER, **changes))).outcome is outcome


def test_every_state_of_an_order_has_a_number() -> None:
    assert set(showing.STATES) == set(STATES)


def test_our_client_believes_a_notice() -> None:
    body = showing.notice(ORDER, "TESTKEY", int(NOW.timestamp() * 1000))
    assert len(body["card_list"]) == 2
    request = WebhookRequest(
        method="POST", path="/", query="", headers={}, body=json.dumps(body).encode()
    )
    read = notices.read_notice(ACCOUNT, request, NOW + timedelta(seconds=9))
    assert [event.purchase_no for event in read.events] == ["A/1"]


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("insufficient_balance", "balance"), ("max_total_exceeded", "price"),
        ("out_of_stock", "stock"), ("not_on_sale", "off_sale"), ("sku_unknown", "off_sale"),
        ("station_closed", "off_sale"), ("quantity_invalid", "quantity"),
        ("inputs_invalid", "inputs"), ("field_invalid", "inputs"), ("field_missing", "inputs"),
        ("notify_url_invalid", "inputs"), ("signature_invalid", "auth"), ("key_unknown", "auth"),
        ("timestamp_invalid", "auth"), ("ip_refused", "auth"), ("dialect_off", "auth"),
        ("member_locked", "auth"), ("scope_missing", "auth"), ("risk_blocked", "auth"),
        ("key_missing", "inputs"), ("conflict", None), ("too_many", None),
    ],
)  # fmt: skip
def test_our_client_understands_the_words(code: str, means: str | None) -> None:
    number, message = words.refusal(code, "safe_price" if code.startswith("field") else "")
    assert (number, refusal_code(message)) == (400, means)


def test_no_such_order_is_told_in_words_that_our_client_knows() -> None:
    assert says_no_such_order(words.refusal("order_unknown")[1])
    assert [words.refusal(code)[0] for code in ("internal", "unavailable")] == [500, 500]


def test_words_are_for_refusals_that_there_are() -> None:
    assert set(words.WORDS) <= set(REFUSALS)
