"""Answers by hand: which prove something, and which do not."""

import json
from dataclasses import replace
from typing import Any

import pytest

from kameng_sdk.context import HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown, Misconfigured
from kameng_sdk.outcomes import Outcome
from kameng_supplier_kameng.orders import result_of
from kameng_supplier_kameng.refusals import DOOR, NUMBERS, ORDER

ORDERED: dict[str, Any] = {
    "order_no": "K1", "merchant_order_no": "600000000000000001", "state": "delivered", "sku": "A-1",
    "product_name": "会员", "sku_name": "月卡", "kind": "card", "quantity": 2, "unit_price": "5.00",
    "total": "10.00", "currency": "CNY", "delivered": 2, "refunded": "0.00", "delivery_text": "",
    "cards": [{"number": "1", "code": "AAA"}, {"number": "", "code": "BBB"}], "inputs": {},
    "created_at": "2026-03-01T12:00:00Z", "paid_at": "2026-03-01T12:00:00Z",
    "delivered_at": "2026-03-01T12:00:00Z", "sandbox": False,
}  # fmt: skip
TOP_UP = {"kind": "top_up", "cards": [], "delivery_text": "已到账"}
NOTHING = {"delivered": 0, "cards": []}


class Says:
    """One answer to everything."""

    def __init__(self, status: int, fields: Any, kind: str = "application/json") -> None:
        body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
        self.answer = HttpResponse(status=status, headers={"content-type": kind}, body=body)

    def request(self, method: str, url: str, **more: Any) -> HttpResponse:
        return self.answer


def problem(code: str, number: int, http: int = 0, /, **changes: Any) -> Says:
    """A refusal as the interface writes it, or one that is not quite right."""
    said = {"code": code, "number": number, "status": number // 100, "title": "no"} | changes
    return Says(http or number // 100, said, "application/problem+json; charset=utf-8")


def buy(scene, http):
    request = scene.purchase_request("600000000000000001", "A-1", 2)
    return scene.supplier().purchase(replace(scene.ctx(), http=http), request)


@pytest.mark.parametrize("code", [*DOOR, *ORDER])
def test_a_sure_no_is_a_refusal(scene, code):
    with pytest.raises(Declined) as refused:
        buy(scene, problem(code, NUMBERS[code]))
    assert refused.value.code == code


@pytest.mark.parametrize("code", ["conflict", "too_many", "nonce_used"])
def test_what_may_follow_upon_a_first_request_is_doubt(scene, code):
    result = buy(scene, problem(code, NUMBERS[code]))
    assert (result.outcome, result.deliveries) == (Outcome.UNKNOWN, ())
    assert result.message


@pytest.mark.parametrize(
    "number", [40009, 40401, 40501, 42101, 50001, 50301], ids=lambda number: str(number)
)
def test_every_other_word_proves_nothing(scene, number):
    with pytest.raises(HttpOutcomeUnknown):
        buy(scene, problem("some_word", number))


NO_ANSWERS = {
    "another status": problem("out_of_stock", 40903, 502),
    "another status in it": problem("out_of_stock", 40903, status=400),
    "another number": problem("out_of_stock", 40999, 409),
    "number in words": problem("out_of_stock", 40903, **{"number": "40903"}),
    "no problem": Says(409, {"code": "out_of_stock", "number": 40903, "status": 409}),
    "a problem with 200": problem("out_of_stock", 40903, 200),
    "an order with 202": Says(202, ORDERED),
    "an order with 500": Says(500, ORDERED),
    "an order that is a problem": Says(200, ORDERED, "application/problem+json"),
    "a list": Says(200, [ORDERED]),
    "HTML": Says(403, b"<html>", "text/html"),
    "another's order": Says(200, ORDERED | {"merchant_order_no": "1"}),
    "an order without a number": Says(200, ORDERED | {"order_no": ""}),
    "other goods": Says(200, ORDERED | {"sku": "B-1"}),
    "another quantity": Says(200, ORDERED | {"quantity": 3}),
}


@pytest.mark.parametrize("kind", NO_ANSWERS)
def test_what_does_not_agree_with_itself_proves_nothing(scene, kind):
    with pytest.raises(HttpOutcomeUnknown):
        buy(scene, NO_ANSWERS[kind])


@pytest.mark.parametrize(
    ("code", "error"), [("key_unknown", Misconfigured), ("out_of_stock", HttpOutcomeUnknown)]
)
def test_a_refused_question_refuses_no_purchase(scene, code, error):
    ctx = replace(scene.ctx(), http=problem(code, NUMBERS[code]))
    with pytest.raises(error):
        scene.supplier().query(ctx, "600000000000000001", "K1")


@pytest.mark.parametrize("status", [200, 201])
def test_an_order_is_read_whole(scene, status):
    result = buy(scene, Says(status, ORDERED))
    assert (result.outcome, result.supplier_ref) == (Outcome.SUCCEEDED, "K1")
    assert [(d.number, d.code.reveal()) for d in result.deliveries] == [("1", "AAA"), ("", "BBB")]
    assert "AAA" not in repr(result)


ENDS = [
    ({"state": "completed"}, Outcome.SUCCEEDED),
    ({"state": "paid", **NOTHING}, Outcome.PENDING),
    ({"state": "held", **NOTHING}, Outcome.PENDING),
    ({"state": "fulfilling", **NOTHING}, Outcome.PENDING),
    ({"state": "partially_delivered", "delivered": 1}, Outcome.PENDING),
    ({"state": "refunding", **NOTHING}, Outcome.PENDING),
    ({"state": "refunding", "refunded": "10.00"}, Outcome.SUCCEEDED),
    ({"state": "refunded", "refunded": "10.00"}, Outcome.SUCCEEDED),
    ({"state": "refunded", "refunded": "10.00", **NOTHING}, Outcome.DECLINED),
    ({"state": "refunded", "refunded": "9.99", **NOTHING}, Outcome.UNKNOWN),
    ({"state": "cancelled", "paid_at": None, **NOTHING}, Outcome.DECLINED),
    ({"state": "cancelled", **NOTHING}, Outcome.UNKNOWN),
    ({"state": "failed", "paid_at": None, **NOTHING}, Outcome.UNKNOWN),
    ({"state": "tidied"}, Outcome.UNKNOWN),
    ({"state": None}, Outcome.UNKNOWN),
    ({"sandbox": True}, Outcome.DECLINED),
    ({"cards": []}, Outcome.UNKNOWN),
    ({"cards": [{"code": "A"}, {"code": "B"}, {"code": "C"}], "delivered": 3}, Outcome.UNKNOWN),
    ({"cards": [{"code": "A"}]}, Outcome.UNKNOWN),
    ({"cards": [{"code": "A"}], "delivered": 1}, Outcome.UNKNOWN),
    ({"cards": [{"code": "A"}], "delivered": 1, "refunded": "4.99"}, Outcome.UNKNOWN),
    ({"cards": [{"code": "A"}], "delivered": 1, "refunded": "5.00"}, Outcome.SUCCEEDED),
    (TOP_UP, Outcome.SUCCEEDED),
    (TOP_UP | {"kind": "manual"}, Outcome.SUCCEEDED),
    (TOP_UP | {"delivered": 1, "refunded": "5.00"}, Outcome.UNKNOWN),
]


@pytest.mark.parametrize(("changes", "outcome"), ENDS)
def test_only_documented_states_with_sums_that_fit_are_final(changes, outcome):
    result = result_of(ORDERED | changes)
    assert result.outcome is outcome
    assert "AAA" not in result.message


def test_sums_in_another_currency_are_no_yuan():
    assert result_of(ORDERED | {"currency": "USD"}).cost is None
