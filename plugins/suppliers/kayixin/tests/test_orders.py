"""What an order says, state by state; and answers that are none."""

from decimal import Decimal
from typing import Any

import pytest

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.testing import HandClock
from kameng_supplier_kayixin.orders import result_of
from kameng_supplier_kayixin.refusals import refusal_code
from kameng_supplier_kayixin.values import amount

CARDS = [{"cardNo": "1", "cardPwd": "A", "status": 0}, {"cardNo": "2", "cardPwd": "B", "status": 1}]
VOID = [card | {"status": 2} for card in CARDS]
ORDER: dict[str, Any] = {"orderNumber": "K1", "outerNumber": "N", "money": 3, "count": 2}


def told(**fields: Any) -> Any:
    order = ORDER | fields
    return result_of(order, order.get("cards"))


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"status": 0}, Outcome.UNKNOWN),
        ({"status": 1}, Outcome.PENDING),
        ({"status": "2"}, Outcome.PENDING),
        ({"status": 7}, Outcome.PENDING),
        ({"status": 8}, Outcome.PENDING),
        ({"status": 3, "cards": CARDS}, Outcome.SUCCEEDED),
        ({"status": 9, "cards": CARDS}, Outcome.SUCCEEDED),
        ({"status": 3, "cards": CARDS[:1]}, Outcome.UNKNOWN),
        ({"status": 3, "cards": [*CARDS, {"cardPwd": "C"}]}, Outcome.UNKNOWN),
        ({"status": 3, "cards": CARDS[:1] * 2}, Outcome.UNKNOWN),
        ({"status": 3, "cards": VOID}, Outcome.UNKNOWN),
        ({"status": 3, "cards": CARDS, "count": None}, Outcome.SUCCEEDED),
        ({"status": 3, "cards": []}, Outcome.SUCCEEDED),
        ({"status": 4, "retMoney": 3}, Outcome.DECLINED),
        ({"status": 4, "retMoney": 0}, Outcome.DECLINED),
        ({"status": 4}, Outcome.DECLINED),
        ({"status": 4, "retMoney": 1}, Outcome.UNKNOWN),
        ({"status": 4, "cards": CARDS}, Outcome.UNKNOWN),
        ({"status": 5, "retMoney": 3}, Outcome.DECLINED),
        ({"status": 5, "retMoney": 3, "cards": VOID}, Outcome.DECLINED),
        ({"status": 5, "retMoney": 0}, Outcome.UNKNOWN),
        ({"status": 5}, Outcome.UNKNOWN),
        ({"status": 5, "retMoney": 1}, Outcome.SUCCEEDED),
        ({"status": 5, "retMoney": 1, "cards": CARDS}, Outcome.SUCCEEDED),
        ({"status": 5, "retMoney": 1, "cards": [CARDS[0], VOID[1]]}, Outcome.UNKNOWN),
        ({"status": 5, "retMoney": 3, "money": None}, Outcome.UNKNOWN),
        ({"status": 5, "retMoney": 0, "money": 0}, Outcome.UNKNOWN),
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
    part = told(status=5, retMoney=Decimal("1.5"), cards=CARDS)
    assert (part.refunded, part.cost, len(part.deliveries)) == (Money(15_000), Money(30_000), 2)
    assert told(status=3, cards=CARDS, retMoney=0).refunded is None
    assert told(status=4).refunded == Money(30_000), "by the definition of the state"


@pytest.mark.parametrize(
    ("card", "number", "code"),
    [
        ({"cardNo": "7788", "cardPwd": "QX-9"}, "7788", "QX-9"),
        ({"cardNo": "", "cardPwd": "QX-9"}, "", "QX-9"),
        ({"cardNo": "QX-9", "cardPwd": ""}, "", "QX-9"),
    ],
)
def test_a_card_has_its_code_in_either_place(card: object, number: str, code: str) -> None:
    (piece,) = told(status=3, cards=[card], count=1).deliveries
    assert (piece.number, piece.code.reveal()) == (number, code)
    assert code not in repr(piece)


def test_a_long_code_is_not_cut_and_a_text_that_cannot_be_stored_is_cleaned() -> None:
    (piece,) = told(status=3, count=1, cards=[{"cardPwd": "9" * 5000}]).deliveries
    assert len(piece.code.reveal()) == 5000
    assert told(status=1, result="等\0待\ud800").message == "等待"


@pytest.mark.parametrize("cards", ["x", {"cardNo": "1"}, [{}], [CARDS[0], None], [[]]])
def test_cards_that_cannot_all_be_read_are_no_cards(cards: object) -> None:
    with pytest.raises(HttpOutcomeUnknown):
        told(status=3, cards=cards)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("商品价格高于安全价", "price"), ("账户余额不足，请充值", "balance"),
        ("商品库存不足", "stock"), ("商品已下架", "off_sale"), ("规格不存在", "off_sale"),
        ("充值信息错误", "inputs"), ("签名错误", "auth"),
        ("采购单号重复", None), ("供货商库存不足", None),
        ("该商品不允许重复下单", None), ("系统繁忙，请稍后再试", None),
        ("", None),
    ],
)  # fmt: skip
def test_only_known_words_are_a_sure_refusal(message: str, code: str | None) -> None:
    assert refusal_code(message) == code


@pytest.mark.parametrize(
    ("value", "units"),
    [
        (1, 10_000), ("0.0100", 100), (Decimal("363.52"), 3_635_200), (True, None), (1.5, None),
        ("1e3", None), (-1, None), ("0.00001", None), (None, None),
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
        (302, ""), (500, '{"code":1000}'), (200, "<html>"), (200, '{"code":1000'), (200, "[]"),
        (200, "null"), (200, "{}"), (200, '{"code":2400}'), (200, '{"code":-1,"msg":"余额不足"}'),
        (200, '{"code":true,"msg":"余额不足"}'), (200, "\xff"), (200, '{"code":1000,"data":[]}'),
        (200, '{"code":1000,"data":{}}'), (200, '{"code":1000,"data":{"orderNumber":""}}'),
        (200, '{"code":5000,"msg":"系统繁忙"}'), (200, '{"code":2400,"msg":"采购单号重复"}'),
    ],
)  # fmt: skip
def test_an_order_is_placed_only_if_the_answer_says_so(scene: Any, status: int, body: str) -> None:
    request = scene.purchase_request("N", "6501")
    try:
        outcome = scene.supplier().purchase(context(status, body), request).outcome
    except HttpOutcomeUnknown:
        outcome = Outcome.UNKNOWN
    assert outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"code":2404,"msg":"订单不存在"}', False), ('{"code":2404,"msg":"未查到订单"}', True),
        ('{"code":2404,"msg":"没有找到该订单"}', False), ('{"code":2400,"msg":"签名错误"}', True),
        ('{"code":1000,"data":{"outerNumber":"M","status":3}}', True),
        ('{"code":1000,"data":{"status":3,"cards":[{"cardPwd":"A"}]}}', True),
    ],
)  # fmt: skip
def test_no_such_order_is_told_from_other_refusals(scene: Any, body: str, found: bool) -> None:
    asked = scene.supplier().query(context(200, body), "N", "")
    assert (asked.outcome, asked.found) == (Outcome.UNKNOWN, found)


@pytest.mark.parametrize("data", ["null", "[]", '"x"'])
def test_a_question_without_a_usable_answer_is_unknown(scene: Any, data: str) -> None:
    body = f'{{"code":1000,"data":{data}}}'
    with pytest.raises(HttpOutcomeUnknown):
        scene.supplier().query(context(200, body), "N", "")
    with pytest.raises(HttpOutcomeUnknown):
        scene.supplier().balance(context(200, body))


def test_an_accepted_refund_of_a_delivered_order_waits_for_consent(scene: Any) -> None:
    order = (
        '{"code":1000,"data":{"outerNumber":"N","orderNumber":"K","status":9,"money":1,'
        '"count":1,"cards":[{"cardPwd":"A"}]}}'
    )
    ended = scene.supplier().cancel(context(200, order), "N", "", "")
    assert (ended.outcome, ended.deliveries) == (Outcome.PENDING, ())


def test_a_refused_refund_of_an_open_order_is_told(scene: Any) -> None:
    order = '{"code":1000,"data":{"outerNumber":"N","orderNumber":"K","status":2}}'
    ctx = context(200, order, refunds='{"code":2400,"msg":"商品不允许退单"}')
    ended = scene.supplier().cancel(ctx, "N", "", "")
    assert (ended.outcome, ended.message) == (Outcome.PENDING, "上游没有同意：商品不允许退单")
