"""The shared store as a server: the vector, PHP's forms, and our facts as the client reads them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.openapi.domain.dialects.acg_shared import form, goods, orders
from kameng.openapi.domain.dialects.acg_shared.refusals import (
    WORDS,
    No,
    refusal_of,
    wrong_quantity,
)  # fmt: skip
from kameng.openapi.domain.refusals import REFUSALS
from kameng_sdk.suppliers import OfferKind
from kameng_supplier_acg_shared import goods as client_goods
from kameng_supplier_acg_shared import signing as client_signing
from kameng_supplier_acg_shared.reading import SURE_REFUSALS, cards_of
from kameng_supplier_acg_shared.simulator.php import php_sign

from . import dialect_facts as facts

VECTOR = {
    "app_id": "7", "app_key": "TESTKEY", "contact": "a b@x.com", "num": "2", "request_no": "N1",
    "shared_code": "ABC", "sku": {"区服": "一区"},
}  # fmt: skip
SIGN = "fda2ca08a9c234c2f44b85fae23b7b5c"
TRADE = {"shared_code": "11", "num": "2", "request_no": "QLWMBK10PFDFK", "card_id": "0", "race": ""}

names = st.text("abc_区 +%&=.", min_size=1, max_size=6)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
forms = st.dictionaries(
    names, texts | st.dictionaries(names, texts, min_size=1, max_size=3), max_size=6
)


def body_of(fields: Any) -> bytes:
    return urlencode(client_signing.pairs(fields)).encode()


def test_the_published_vector_is_let_in() -> None:
    read = form.read_form(body_of(VECTOR | {"sign": SIGN, "race": ""}))
    form.check_signature(read, ["another", "TESTKEY"])
    for secrets, changed in (
        (["another"], {}),
        ([], {}),
        (["TESTKEY"], {"num": "3"}),
        (["TESTKEY"], {"sign": SIGN.upper()}),
    ):
        with pytest.raises(No, match="密钥错误"):
            form.check_signature({**read, **changed}, secrets)


@given(forms, st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1))
def test_what_the_client_signs_is_let_in(fields: dict[str, Any], key: str) -> None:
    signed = fields | {"sign": client_signing.sign(fields, key)}
    read = form.read_form(body_of(signed))
    form.check_signature(read, [key])
    assert form.sign(read, key) == php_sign(dict(read), key)
    with pytest.raises(No):
        form.check_signature(read, [f"{key}x"])


BROKEN = {
    "a twice": b"a=1&a=1", "a part twice": b"a[b]=1&a[b]=1", "plain and in parts": b"a=1&a[b]=1",
    "in parts and plain": b"a[b]=1&a=1", "a list": b"a[]=1", "deep": b"a[b][c]=1", "not closed": b"a[b=1",
    "no name": b"=1", "no UTF-8": b"a=%ff", "a NUL": b"a=%00", "half a letter": b"a=%ed%a0%80",
    "much": b"&".join(b"a%d=1" % n for n in range(101)),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_form_is_refused(what: str) -> None:
    with pytest.raises(No, match="格式错误"):
        form.read_form(BROKEN[what])


@given(st.binary(max_size=80))
def test_any_bytes_are_a_form_or_a_refusal(body: bytes) -> None:
    try:
        read = form.read_form(body)
        form.check_signature(read, ["TESTKEY"])
    except No:
        return
    pytest.fail("nobody guesses a signature")


def test_a_trade_is_read() -> None:
    wish = orders.read_wish(
        TRADE | {"contact": "x", "password": "", "device": "0", "sku": {"区": ""}}
    )
    assert (wish.sku_id, wish.quantity, wish.number) == (11, 2, "QLWMBK10PFDFK")


@pytest.mark.parametrize(("changes", "says"), [
    ({"request_no": ""}, "request_no"), ({"request_no": "x" * 20}, "request_no"), ({"request_no": "单号"}, "request_no"),
    ({"shared_code": ""}, "商品代码"), ({"shared_code": "ABC"}, "商品不存在"), ({"shared_code": "9" * 19}, "商品不存在"),
    ({"card_id": "5"}, "预选"), ({"race": "月卡"}, "此商品类型不存在"), ({"sku": {"区服": "一区"}}, "此商品类型不存在"),
    ({"shared_code": {"a": "1"}}, "商品代码"), ({"request_no": {"a": "1"}}, "request_no"),
])  # fmt: skip
def test_a_wrong_trade_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(No, match=says):
        orders.read_wish(TRADE | changes)


@pytest.mark.parametrize("num", ["", "0", "-1", "1.5", "2abc", "9" * 10, "٣"])
def test_what_is_no_number_is_none(num: str) -> None:
    assert orders.read_wish(TRADE | {"num": num}).quantity == 0


@given(st.dictionaries(st.sampled_from([*TRADE, "sku"]), texts | st.dictionaries(texts, texts)))
def test_any_trade_is_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        wish = orders.read_wish(TRADE | changes)
    except No:
        return
    assert 0 < wish.sku_id < 2**63


# Refusals of an order: by their beginning the client knows that nothing was bought.
ORDERING = (
    "key_unknown", "signature_invalid", "ip_refused", "scope_missing", "dialect_off", "dialect_wrong",
    "member_locked", "sku_unknown", "not_on_sale", "station_closed", "risk_blocked", "out_of_stock",
    "insufficient_balance", "quantity_invalid", "inputs_invalid",
)  # fmt: skip


@pytest.mark.parametrize("code", ORDERING)
def test_a_refused_trade_is_a_sure_no_to_the_client(code: str) -> None:
    message = refusal_of(code, REFUSALS[code].status).message
    assert [sure for sure, _ in SURE_REFUSALS if message.startswith(sure)]


@pytest.mark.parametrize(
    ("wanted", "says"), [(0, "至少购买1个"), (1, "最少购买2个"), (6, "最多购买5个")]
)
def test_a_wrong_quantity_says_which_limit_it_is(wanted: int, says: str) -> None:
    message = wrong_quantity(2, 5, wanted).message
    assert says in message
    assert [sure for sure, code in SURE_REFUSALS if message.startswith(sure) and code == "quantity"]


@pytest.mark.parametrize("code", ["internal", "unavailable", "too_many", "conflict", "bad_request"])
def test_what_proves_nothing_is_no_sure_no(code: str) -> None:
    message = refusal_of(code, REFUSALS[code].status).message
    assert not [sure for sure, _ in SURE_REFUSALS if message.startswith(sure)]


def test_every_word_of_ours_exists() -> None:
    assert set(WORDS) <= set(REFUSALS)
    assert refusal_of("a code of tomorrow", 500).message == REFUSALS["internal"].chinese
    assert refusal_of("a code of tomorrow", 418).message == REFUSALS["bad_request"].chinese


def test_the_client_reads_our_catalogue() -> None:
    found = [
        facts.sku(12, sku_name="200 元", price=190_1234, stock=1000, maximum=5), facts.sku(11),
        facts.sku(13, 8, name="话费", sku_name="", kind="top_up", category_id=2, category="话费",
                  fields=(facts.field("password"), facts.field("zone", "一区", "二区"), facts.field("odd", "a=b", "c"))),
        facts.sku(14, 9, name="代练", sku_name="", kind="manual", on_sale=False),
    ]  # fmt: skip
    offers = {one.sku_ref: one for one in client_goods.read_catalogue(goods.catalogue(found))}
    assert list(offers) == ["t/13", "c/11", "c/12", "m/14"]
    assert [one.kind for one in offers.values()] == [
        OfferKind.TOP_UP,
        OfferKind.CARD,
        OfferKind.CARD,
        OfferKind.MANUAL,
    ]
    assert [one.on_sale for one in offers.values()] == [True, True, True, False]
    assert (offers["c/12"].name, offers["c/12"].category) == ("星海点券 200 元", "游戏点卡")
    assert (offers["c/12"].cost.amount, offers["c/12"].stock, offers["c/12"].maximum) == (
        190_1234,
        1000,
        5,
    )
    assert [(f.name, f.label, f.choices) for f in offers["t/13"].fields] == [
        ("x_password", "password", ()), ("zone", "zone", ("一区", "二区")), ("odd", "odd", ()),
    ]  # fmt: skip


@given(
    st.lists(
        st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
        | st.sampled_from(sorted(goods.OWN_NAMES)),
        unique=True,
    )
)
def test_fields_of_ours_never_meet_the_protocols_or_each_other(given_names: list[str]) -> None:
    fields = [facts.field(name) for name in given_names]
    there = {goods.wire_name(name): f"v{name}" for name in given_names}
    assert len(there) == len(given_names)
    assert not goods.OWN_NAMES & set(there)
    assert goods.inputs_of({**VECTOR, **there}, fields) == {
        name: f"v{name}" for name in given_names
    }


def test_a_card_order_is_told_with_its_cards_once_all_are_there() -> None:
    done = facts.order("delivered", "A", "B")
    for told in (orders.traded(done), orders.told(done)):
        cards = cards_of(told["secret"])
        assert cards is not None
        assert [(one.number, one.code.reveal()) for one in cards if one.code] == [
            ("NA", "A"),
            ("NB", "B"),
        ]
    assert orders.traded(done)["tradeNo"] == facts.ORDER_NO
    assert orders.told(done)["status"] == 1


@pytest.mark.parametrize(
    "state", ["paid", "held", "fulfilling", "partially_delivered", "failed", "refunding"]
)
def test_an_open_order_waits(state: str) -> None:
    order = facts.order(state)
    assert (orders.told(order)["status"], orders.told(order)["secret"]) == (1, orders.WAIT)
    assert cards_of(orders.traded(order)["secret"]) is None


def test_a_partly_delivered_order_shows_no_card_yet() -> None:
    assert orders.told(facts.order("partially_delivered", "A", quantity=2))["secret"] == orders.WAIT


def test_money_that_came_back_is_an_order_that_is_not_paid() -> None:
    over = orders.told(facts.order("refunded", refunded=95_5000))
    assert (over["status"], cards_of(over["secret"])) == (0, None)
    after_delivery = orders.told(facts.order("refunded", "A", refunded=95_5000))
    assert (after_delivery["status"], after_delivery["secret"]) == (1, "NA----A")


def test_what_is_done_by_hand_waits_first_and_changes_its_text_later() -> None:
    done = facts.order("delivered", kind="top_up", delivered=1)
    assert orders.traded(done)["secret"] == orders.WAIT
    assert orders.told(done)["secret"] == orders.DONE_TEXT != orders.WAIT
    written = facts.order("delivered", kind="manual", delivered=1, delivery_text="已上号")
    assert orders.told(written)["secret"] == "已上号"


@given(facts.orders)
def test_every_order_can_be_told(order: Any) -> None:
    for shown in (orders.traded(order), orders.told(order)):
        assert json.loads(json.dumps(shown)) == shown
        assert isinstance(shown["secret"], str)
        assert shown["secret"] or order.cards
