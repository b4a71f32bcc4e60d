"""What an order says, state by state; and answers that are none."""

from decimal import Decimal
from typing import Any

import pytest

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.testing import HandClock
from kameng_supplier_kasushou.orders import result_of
from kameng_supplier_kasushou.refusals import refusal_code
from kameng_supplier_kasushou.values import amount

CARDS = [{"card_no": "1", "card_password": "A"}, {"card_no": "2", "card_password": "B"}]
TOP_UP = [{"n": "账号", "v": "1", "k": "recharge_account"}]
ORDER: dict[str, Any] = {"ordersn": "D1", "external_orderno": "N", "total_price": "3.00"}


def told(**fields: Any) -> Any:
    return result_of(ORDER | fields)


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"status": 1}, Outcome.PENDING),
        ({"status": "2"}, Outcome.PENDING),
        ({"status": 3, "card_list": CARDS}, Outcome.SUCCEEDED),
        ({"status": 3, "card_list": []}, Outcome.PENDING),
        ({"status": 3, "card_list": [], "recharge_info": TOP_UP}, Outcome.SUCCEEDED),
        ({"status": 3, "card_list": CARDS[:1] * 2}, Outcome.UNKNOWN),
        ({"status": 4, "has_back_money": "3.00"}, Outcome.DECLINED),
        ({"status": 4, "has_back_money": "1.00", "card_list": CARDS}, Outcome.UNKNOWN),
        ({"status": 4}, Outcome.UNKNOWN),
        ({"status": 5, "has_back_money": 3}, Outcome.DECLINED),
        ({"status": 5, "has_back_money": "0.00"}, Outcome.UNKNOWN),
        ({"status": 5, "has_back_money": "1.00"}, Outcome.UNKNOWN),
        ({"status": 5, "has_back_money": "1.00", "card_list": CARDS}, Outcome.SUCCEEDED),
        ({"status": 5, "has_back_money": "1.00", "recharge_info": TOP_UP}, Outcome.SUCCEEDED),
        ({"status": 5, "has_back_money": "3.00", "total_price": None}, Outcome.UNKNOWN),
        ({"status": 5, "has_back_money": "0", "total_price": "0"}, Outcome.UNKNOWN),
        ({"status": -1}, Outcome.UNKNOWN),
        ({"status": 6}, Outcome.UNKNOWN),
        ({"status": None}, Outcome.UNKNOWN),
        ({"status": True}, Outcome.UNKNOWN),
        ({}, Outcome.UNKNOWN),
    ],
)
def test_only_delivered_and_wholly_paid_back_are_final(
    fields: dict[str, Any], outcome: Outcome
) -> None:
    assert told(**fields).outcome is outcome


def test_what_is_given_back_is_told_in_every_state() -> None:
    part = told(status=5, has_back_money=Decimal("1.5"), card_list=CARDS)
    assert (part.refunded, part.cost, len(part.deliveries)) == (Money(15_000), Money(30_000), 2)
    assert told(status=3, card_list=CARDS, has_back_money="0.00").refunded is None


@pytest.mark.parametrize(
    ("card", "number", "code"),
    [
        ({"card_no": "7788", "card_password": "QX-9"}, "7788", "QX-9"),
        ({"card_no": "", "card_password": "QX-9"}, "", "QX-9"),
        ({"card_no": "QX-9", "card_password": ""}, "", "QX-9"),
        ("QX-9", "", "QX-9"),
    ],
)
def test_a_card_has_its_code_in_either_place(card: object, number: str, code: str) -> None:
    (piece,) = told(status=3, card_list=[card]).deliveries
    assert (piece.number, piece.code.reveal()) == (number, code)
    assert code not in repr(piece)


def test_a_long_code_is_not_cut_and_a_text_that_cannot_be_stored_is_cleaned() -> None:
    (piece,) = told(status=3, card_list=["9" * 5000]).deliveries
    assert len(piece.code.reveal()) == 5000
    assert told(status=1, recharge_hints="等\0待\ud800").message == "等待"


@pytest.mark.parametrize("cards", ["x", {"card_no": "1"}, [{}], [CARDS[0], None], [[]]])
def test_cards_that_cannot_all_be_read_are_no_cards(cards: object) -> None:
    with pytest.raises(HttpOutcomeUnknown):
        told(status=3, card_list=cards)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("商品价格高于安全价格", "price"), ("用户余额不足，请充值", "balance"),
        ("商品库存不足", "stock"), ("商品已下架", "off_sale"), ("签名错误", "auth"),
        ("三方订单号已存在", None), ("请勿重复下单", None), ("系统繁忙", None), ("", None),
        ("商品不存在或订单号重复", None),
        ("上游余额不足", None), ("充值账号格式不正确", "inputs"),
    ],
)  # fmt: skip
def test_only_known_words_are_a_sure_refusal(message: str, code: str | None) -> None:
    assert refusal_code(message) == code


@pytest.mark.parametrize(
    ("value", "units"),
    [
        (1, 10_000), ("0.0100", 100), (Decimal("3.05"), 30_500), ("2.000000", 20_000),
        ("100", 1_000_000), ("", None), (None, None), (True, None), (1.5, None), ("1e3", None),
        ("-1", None), ("1,000.00", None), ("0.00001", None), ([], None),
    ],
)  # fmt: skip
def test_amounts_are_read_exactly_or_not_at_all(value: object, units: int | None) -> None:
    money = amount(value)
    assert (None if money is None else money.amount) == units


class Answering:
    """An `HttpClient` with one answer, or one for each end of an address."""

    def __init__(self, status: int, body: bytes, others: dict[str, str]) -> None:
        self.status, self.body, self.others = status, body, others

    def request(self, method: str, url: str, **sent: Any) -> HttpResponse:
        other = self.others.get(url.rpartition("/")[2])
        body = self.body if other is None else other.encode()
        return HttpResponse(status=self.status, headers={}, body=body)


def context(status: int, body: str, **others: str) -> CallContext:
    clock, http = HandClock(), Answering(status, body.encode(), others)
    return CallContext(deadline=clock.monotonic() + 9, correlation_id="t", http=http, clock=clock)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (302, ""), (500, '{"code":200}'), (200, "<html>"), (200, '{"code":200'), (200, "[]"),
        (200, "null"), (200, "{}"), (200, '{"code":500,"msg":"未知错误"}'), (200, '{"code":201}'),
        (200, '{"code":true}'), (200, "\xff"), (200, '{"code":200,"data":[{"ordersn":"D1"}]}'),
        (200, '{"code":200,"data":{}}'), (200, '{"code":200,"data":{"ordersn":""}}'),
        (200, '{"code":200,"data":{"ordersn":"D1","external_orderno":"other"}}'),
        (200, '{"code":400,"msg":"系统繁忙"}'), (200, '{"code":400}'),
    ],
)  # fmt: skip
def test_an_order_is_placed_only_if_the_answer_says_so(scene: Any, status: int, body: str) -> None:
    request = scene.purchase_request("N", "2901")
    try:
        outcome = scene.supplier().purchase(context(status, body), request).outcome
    except HttpOutcomeUnknown:
        outcome = Outcome.UNKNOWN
    assert outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"code":200,"data":[]}', False), ('{"code":400,"msg":"订单不存在"}', False),
        ('{"code":400,"msg":"没有找到该订单"}', False), ('{"code":400,"msg":"签名错误"}', True),
        ('{"code":200,"data":[{"external_orderno":"N"},{"external_orderno":"N"}]}', True),
        ('{"code":200,"data":[{"external_orderno":"M","status":3}]}', True),
        ('{"code":200,"data":[5]}', True),
    ],
)  # fmt: skip
def test_no_such_order_is_told_from_other_refusals(scene: Any, body: str, found: bool) -> None:
    asked = scene.supplier().query(context(200, body), "N", "")
    assert (asked.outcome, asked.found) == (Outcome.UNKNOWN, found)


@pytest.mark.parametrize("data", ["null", "{}", '"x"', '{"balance":null}'])
def test_a_question_without_a_usable_answer_is_unknown(scene: Any, data: str) -> None:
    body = f'{{"code":200,"data":{data}}}'
    with pytest.raises(HttpOutcomeUnknown):
        scene.supplier().query(context(200, body), "N", "")
    with pytest.raises(HttpOutcomeUnknown):
        scene.supplier().balance(context(200, body))


def test_an_accepted_close_of_a_delivered_order_waits_for_the_money(scene: Any) -> None:
    order = '{"code":200,"data":[{"external_orderno":"N","ordersn":"D","status":3,' \
            '"total_price":1,"card_list":["A"]}]}'  # fmt: skip
    ended = scene.supplier().cancel(context(200, order), "N", "", "")
    assert (ended.outcome, ended.deliveries) == (Outcome.PENDING, ())


def test_a_refused_close_of_an_open_order_is_told(scene: Any) -> None:
    order = '{"code":200,"data":[{"external_orderno":"N","ordersn":"D","status":2}]}'
    ctx = context(200, order, close='{"code":400,"msg":"商家不允许撤单"}')
    ended = scene.supplier().cancel(ctx, "N", "", "")
    assert (ended.outcome, ended.message) == (Outcome.PENDING, "上游没有同意：商家不允许撤单")
