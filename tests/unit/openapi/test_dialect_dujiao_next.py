"""The upstream API as a server: vectors, refusals, and our facts as the project's client reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.errors import DomainError
from kameng.openapi.domain.dialects.dujiao_next import door, goods, orders
from kameng.openapi.domain.dialects.dujiao_next.problems import STATUS, WORDS, Problem, problem_of
from kameng.openapi.domain.dialects.dujiao_next.wish import read_wish
from kameng.openapi.domain.facts import AccountFacts, CategoryFacts
from kameng.openapi.domain.refusals import REFUSALS
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import OfferKind
from kameng_supplier_dujiao_next import goods as client_goods
from kameng_supplier_dujiao_next import orders as client_orders
from kameng_supplier_dujiao_next import signing as client_signing
from kameng_supplier_dujiao_next.client import LOCKED
from kameng_supplier_dujiao_next.client import REFUSALS as SURE

from . import dialect_facts as facts

NOW = 1700000000
ORDERS = "/api/v1/upstream/orders"
BODY = b'{"sku_id":1,"quantity":1}'
GOOD = {"sku_id": 1, "quantity": 2, "downstream_order_no": "A-1"}


def headers(sign: str = "s", time: str = str(NOW), key: str = "k") -> dict[str, str]:
    return {door.KEY: key, door.TIME: time, door.SIGN: sign}


@pytest.mark.parametrize(("path", "body", "right"), [
    (ORDERS, BODY, "03f9fa294007a9006d2e69a55dc3b826491b7e1b572ac3aa17e5c207d08cd90a"),
    ("/api/v1/upstream/ping", b"", "c513dda3ac17a52bbb4720401be59222b98959d5ca949012d9e7e86f664f93ff"),
])  # fmt: skip
def test_the_published_vectors_are_let_in(path: str, body: bytes, right: str) -> None:
    head = door.read_head(headers(right), NOW)
    assert door.check_signature(head, ["TESTKEY"], "POST", path, body) == "TESTKEY"
    door.check_signature(head, ["another", "TESTKEY"], "POST", f"/dock/dujiao-next{path}", body)
    for secrets, method, other in ((["another"], "POST", body), (["TESTKEY"], "GET", body),
                                   (["TESTKEY"], "POST", body + b" "), ([], "POST", body)):  # fmt: skip
        with pytest.raises(Problem) as refused:
            door.check_signature(head, secrets, method, path, other)
        assert refused.value.code == "invalid_signature"


@given(
    st.text(st.characters(codec="utf-8"), min_size=1),
    st.binary(),
    st.sampled_from(("", "/dock/dujiao-next")),
)
def test_what_the_client_signs_is_let_in_and_a_letter_more_is_not(
    secret: str, body: bytes, mount: str
) -> None:
    path = f"{mount}{ORDERS}"
    given_sign = client_signing.signature(secret, "POST", path, str(NOW), body)
    head = door.read_head(headers(given_sign), NOW)
    door.check_signature(
        head, [secret], "POST", f"/dock/dujiao-next{ORDERS}" if mount else path, body
    )
    with pytest.raises(Problem):
        door.check_signature(head, [secret], "POST", f"{path}/1", body)


@given(st.dictionaries(st.sampled_from((door.KEY, door.TIME, door.SIGN)), st.text()))
def test_odd_headers_are_refused_and_never_an_accident(given_headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        door.check_signature(door.read_head(given_headers, NOW), ["TESTKEY"], "GET", "/", b"")
    assert refused.value.status == 401


@pytest.mark.parametrize(("changes", "code"), [
    ({"sign": ""}, "missing_auth_headers"), ({"key": ""}, "missing_auth_headers"),
    ({"time": ""}, "missing_auth_headers"), ({"time": "1e9"}, "invalid_timestamp"),
    ({"time": "١٧٠٠٠٠٠٠٠٠"}, "invalid_timestamp"), ({"time": "-1700000000"}, "invalid_timestamp"),
    ({"time": "9" * 5000}, "invalid_timestamp"), ({"time": str(NOW - 61)}, "timestamp_expired"),
    ({"time": str(NOW + 61)}, "timestamp_expired"), ({"time": f"{NOW}000"[:12]}, "timestamp_expired"),
])  # fmt: skip
def test_wrong_heads_are_refused_by_the_documented_words(
    changes: dict[str, str], code: str
) -> None:
    with pytest.raises(Problem) as refused:
        door.read_head(headers(**changes), NOW)
    assert (refused.value.code, refused.value.status) == (code, 401)


def test_a_minute_either_way_is_in_time() -> None:
    for seconds in (-60, 60):
        assert door.read_head(headers(time=str(NOW + seconds)), NOW)


def test_an_order_is_read_with_all_it_says() -> None:
    said = GOOD | {
        "manual_form_data": {"player": "p1", "zone": 3}, "callback_url": "https://a.example/cb",
        "trace_id": "t", "what newer clients say": [1],
    }  # fmt: skip
    wish = read_wish(json.dumps(said).encode())
    assert (wish.sku_id, wish.quantity, wish.number) == (1, 2, "A-1")
    assert (wish.inputs, wish.callback_url) == (
        {"player": "p1", "zone": "3"},
        "https://a.example/cb",
    )
    empty = read_wish(json.dumps(GOOD | {"manual_form_data": None, "callback_url": None}).encode())
    assert (empty.inputs, empty.callback_url) == ({}, "")


WRONG: dict[str, Any] = {
    "a SKU as text": {"sku_id": "1"}, "a SKU as fraction": {"sku_id": 1.0}, "true": {"sku_id": True},
    "no SKU": {"sku_id": None}, "SKU zero": {"sku_id": 0}, "a SKU beyond": {"sku_id": 2**63},
    "none": {"quantity": 0}, "less": {"quantity": -1}, "beyond": {"quantity": 2**31},
    "no number": {"downstream_order_no": None}, "an empty number": {"downstream_order_no": ""},
    "a long number": {"downstream_order_no": "x" * 65}, "a counted number": {"downstream_order_no": 7},
    "a form in a list": {"manual_form_data": []}, "a form in a form": {"manual_form_data": {"a": {}}},
    "half yes": {"manual_form_data": {"a": True}}, "many fields": {"manual_form_data": dict.fromkeys(map(str, range(51)), "")},
    "an address in a list": {"callback_url": ["https://a.example"]}, "a long address": {"callback_url": "h" * 2001},
    "a trace in an object": {"trace_id": {}}, "a NUL": {"downstream_order_no": "a\x00"},
    "half a letter": {"manual_form_data": {"a": "\ud800"}}, "a NUL in a name": {"manual_form_data": {"\x00": ""}},
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_type_is_refused(what: str) -> None:
    with pytest.raises(Problem) as refused:
        read_wish(json.dumps(GOOD | WRONG[what]).encode())
    assert (refused.value.code, refused.value.status) == ("bad_request", 400)


BODIES = {
    "nothing": (b"", "json_invalid"), "half": (b"{", "json_invalid"), "a list": (b"[]", "json_invalid"),
    "no UTF-8": (b'{"a":"\xff"}', "json_invalid"), "a twice": (b'{"a":1,"a":1}', "duplicate_parameter"),
    "deep twice": (b'{"f":{"a":1,"a":1}}', "duplicate_parameter"), "NaN": (b'{"a":NaN}', "json_invalid"), "too deep": (b"[" * 100_000, "json_invalid"),
    "a number of 5000 digits": (b'{"a":' + b"9" * 5000 + b"}", "json_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("what", BODIES)
def test_what_is_no_plain_object_is_refused(what: str) -> None:
    body, code = BODIES[what]
    with pytest.raises(DomainError) as refused:
        read_wish(body)
    assert refused.value.code == code
    assert problem_of(refused.value.code, 400).code == "bad_request"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6,
)  # fmt: skip


@given(st.fixed_dictionaries({}, optional={
    name: json_values for name in ("sku_id", "quantity", "downstream_order_no", "manual_form_data", "callback_url")
}))  # fmt: skip
def test_any_body_is_an_order_or_a_refusal(said: dict[str, Any]) -> None:
    try:
        wish = read_wish(json.dumps(said).encode())
    except (Problem, DomainError):
        return
    assert wish.number
    assert wish.quantity >= 1


@given(st.binary(max_size=60))
def test_any_bytes_are_an_order_or_a_refusal(body: bytes) -> None:
    with pytest.raises((Problem, DomainError)):
        read_wish(body)


# Ours in theirs: refused orders must be sure, or the client waits for an order that is not there.
ORDERING = (
    "json_invalid", "duplicate_parameter", "field_invalid", "notify_url_invalid", "insufficient_balance",
    "risk_blocked", "sku_unknown", "not_on_sale", "out_of_stock", "station_closed", "quantity_invalid",
    "inputs_invalid",
)  # fmt: skip


@pytest.mark.parametrize("code", ORDERING)
def test_a_refused_order_is_a_sure_no_to_the_client(code: str) -> None:
    problem = problem_of(code, REFUSALS[code].status)
    assert SURE[problem.code] == problem.status
    assert problem.fields()["ok"] is False


@pytest.mark.parametrize(
    "code",
    [
        "key_unknown",
        "signature_invalid",
        "ip_refused",
        "scope_missing",
        "member_locked",
        "dialect_off",
        "dialect_wrong",
    ],
)
def test_a_closed_door_is_known_as_such(code: str) -> None:
    problem = problem_of(code, REFUSALS[code].status)
    assert problem.code in LOCKED
    assert problem.status in (401, 403)


@pytest.mark.parametrize(
    "code",
    [
        "internal",
        "unavailable",
        "too_many",
        "conflict",
        "method_not_allowed",
        "too_large",
        "not_found",
    ],
)
def test_what_proves_nothing_is_no_sure_no(code: str) -> None:
    problem = problem_of(code, REFUSALS[code].status)
    assert SURE.get(problem.code) != problem.status
    assert problem.status == REFUSALS[code].status


def test_every_word_of_ours_and_theirs_exists() -> None:
    assert set(WORDS) <= set(REFUSALS)
    assert set(WORDS.values()) <= set(STATUS)
    for code, known in REFUSALS.items():
        assert problem_of(code, known.status).message == known.chinese
    assert problem_of("a code of tomorrow", 418).status == 400
    assert problem_of("inputs_invalid", 422, "手机号应为 11 位").message == "手机号应为 11 位"


def test_the_client_reads_our_products() -> None:
    found = [
        facts.sku(11), facts.sku(12, sku_name="200 元", price=190_1234, stock=1000),
        facts.sku(13, 8, name="话费", sku_name="", kind="top_up", stock=0,
                  fields=(facts.field("phone"), facts.field("zone", "一区", "二区", required=False))),
        facts.sku(14, 9, name="代练", sku_name="", kind="manual"),
    ]  # fmt: skip
    offers = {
        one.sku_ref: one
        for product in goods.products(reversed(found))
        for one in client_goods.offers_of(product, {3: "游戏 / 点卡"})
    }
    assert list(offers) == ["7:11", "7:12", "8:13", "9:14"]
    assert [one.name for one in offers.values()] == [
        "星海点券 100 元",
        "星海点券 200 元",
        "话费",
        "代练",
    ]
    assert [one.kind for one in offers.values()] == [
        OfferKind.CARD,
        OfferKind.CARD,
        OfferKind.TOP_UP,
        OfferKind.MANUAL,
    ]
    assert [one.stock for one in offers.values()] == [40, None, 0, 40]
    assert [one.on_sale for one in offers.values()] == [True, True, False, True]
    assert offers["7:12"].cost.amount == 190_1234
    assert [(f.name, f.required, f.choices) for f in offers["8:13"].fields] == [
        ("phone", True, ()), ("zone", False, ("一区", "二区")),
    ]  # fmt: skip


@pytest.mark.parametrize(("stock", "status", "quantity"), [
    (0, "out_of_stock", 0), (1, "low_stock", 1), (20, "low_stock", 20), (21, "in_stock", 21),
    (999, "in_stock", 999), (1000, "unlimited", -1),
])  # fmt: skip
def test_stock_is_told_in_the_documented_words(stock: int, status: str, quantity: int) -> None:
    (product,) = goods.products([facts.sku(stock=stock)])
    assert [(one["stock_status"], one["stock_quantity"]) for one in product["skus"]] == [
        (status, quantity)
    ]


def test_categories_have_two_levels_and_a_circle_ends() -> None:
    rows = [
        (1, "游戏", None),
        (2, "点卡", 1),
        (3, "Steam", 2),
        (4, "a", 5),
        (5, "b", 4),
        (6, "lone", 99),
    ]
    tree = [CategoryFacts(id=n, name=name, parent_id=parent) for n, name, parent in rows]
    shown = goods.categories(tree)
    assert [one["parent_id"] for one in shown][:3] == [0, 1, 1]
    assert shown[5]["parent_id"] == 0
    assert client_goods.category_paths(shown)[3] == "游戏 / Steam"


@pytest.mark.parametrize(("text", "size"), [
    (None, 20), ("", 20), ("0", 1), ("100", 100), ("101", 100), ("-1", 20), ("x", 20), ("9" * 30, 20), ("٣", 20),
])  # fmt: skip
def test_an_odd_page_is_an_ordinary_one(text: str | None, size: int) -> None:
    assert goods.page_of(text, 20, 100) == size


@pytest.mark.parametrize(("state", "delivered", "refunded", "outcome"), [
    ("paid", 0, 0, Outcome.PENDING), ("held", 0, 0, Outcome.PENDING), ("fulfilling", 0, 0, Outcome.PENDING),
    ("partially_delivered", 1, 0, Outcome.PENDING), ("failed", 0, 0, Outcome.PENDING),
    ("refunding", 0, 0, Outcome.PENDING), ("refunding", 2, 0, Outcome.SUCCEEDED),
    ("delivered", 2, 0, Outcome.SUCCEEDED), ("completed", 2, 0, Outcome.SUCCEEDED),
    ("refunded", 0, 191_0000, Outcome.DECLINED), ("refunded", 2, 100, Outcome.UNKNOWN),
])  # fmt: skip
def test_the_client_understands_how_an_order_stands(
    state: str, delivered: int, refunded: int, outcome: Outcome
) -> None:
    order = facts.order(state, "A", "B", delivered=delivered, refunded=refunded)
    result = client_orders.result_of(orders.detail(order))
    assert result.outcome is outcome
    assert (result.supplier_ref, result.cost and result.cost.amount) == (facts.ORDER_NO, 191_0000)
    if outcome is Outcome.SUCCEEDED:
        cards = [(one.number, one.code.reveal()) for one in result.deliveries if one.code]
        assert cards == [("NA", "A"), ("NB", "B")]


def test_what_a_person_did_comes_as_a_note() -> None:
    done = facts.order("delivered", kind="top_up", delivered=1, delivery_text="已充值，流水 7")
    result = client_orders.result_of(orders.detail(done))
    assert [(one.note, one.code) for one in result.deliveries] == [("已充值，流水 7", None)]
    silent = client_orders.result_of(
        orders.detail(facts.order("delivered", kind="manual", delivered=1))
    )
    assert (silent.outcome, silent.deliveries[0].note) == (Outcome.SUCCEEDED, orders.DONE_TEXT)


def test_cards_stand_nowhere_before_all_are_delivered() -> None:
    for state in ("paid", "partially_delivered", "fulfilling", "refunded", "cancelled"):
        assert "SECRET" not in json.dumps(orders.detail(facts.order(state, "SECRET", delivered=0)))
    assert "SECRET" not in json.dumps(orders.placed(facts.order("delivered", "SECRET")))


@given(facts.orders)
def test_every_order_can_be_told_and_lines_are_cards(order: Any) -> None:
    for shown in (orders.detail(order), orders.notice(order, NOW), orders.placed(order)):
        assert json.loads(json.dumps(shown)) == shown
        assert shown["status"] in {*client_orders.OPEN, *client_orders.DONE, "canceled"}
    payload = orders.detail(order).get("fulfillment", {}).get("payload", "")
    if order.kind == "card":
        assert len(payload.splitlines()) <= len(order.cards)


def test_an_account_is_told_with_its_level_or_without() -> None:
    member = AccountFacts(login="a", name="甲", level="黄金会员", balance=12_3456)
    shown = orders.account(member, "晴选", 42)
    assert (shown["balance"], shown["currency"], shown["user_id"]) == ("12.3456", "CNY", 42)
    assert shown["member_level"]["name"] == {"zh-CN": "黄金会员"}
    plain = AccountFacts(login="a", name="甲", level="", balance=10_0000)
    assert orders.account(plain, "晴选", 42)["member_level"] is None


def test_our_order_numbers_are_whole_numbers_there() -> None:
    assert orders.order_id(facts.ORDER_NO) == 2608123456789012
    with pytest.raises(ValueError, match="digits"):
        orders.order_id("KM-1")
    assert orders.order_no("2608123456789012", sandbox=False) == facts.ORDER_NO
    assert (
        orders.order_id(orders.order_no("2608123456789012", sandbox=True) or "") == 2608123456789012
    )
    assert orders.order_no("T1", sandbox=True) is None
