"""Answers that are signed and yet prove less than they seem to."""

from datetime import date
from typing import Any

import pytest

from kameng_sdk.errors import Declined, HttpOutcomeUnknown
from kameng_sdk.outcomes import Outcome

OK = {"code": "10000", "msg": "Success"}
QUERY = "alipay_trade_query_response"
REFUND = "alipay_trade_refund_response"
ASK = "alipay_trade_fastpay_refund_query_response"
BILL = "alipay_data_dataservice_bill_downloadurl_query_response"
DONE = {"out_trade_no": "P1", "trade_no": "T1", "out_request_no": "R1", "refund_amount": "95.50",
        "refund_status": "REFUND_SUCCESS"}  # fmt: skip
MOVED = {"out_trade_no": "P1", "trade_no": "T1", "fund_change": "Y", "refund_fee": "95.50"}


@pytest.mark.parametrize(
    "facts",
    [
        {"out_trade_no": "P2", "trade_status": "TRADE_SUCCESS", "total_amount": "95.50"},
        {"trade_status": "TRADE_SUCCESS", "total_amount": "95.50"},
        {"out_trade_no": "P1", "trade_status": "TRADE_SUCCESS", "total_amount": "much"},
        {"out_trade_no": "P1", "trade_status": "SOMETHING_NEW"},
        {"out_trade_no": "P1"},
        {"out_trade_no": "P1", "trade_status": "TRADE_CLOSED",
         "send_pay_date": "2026-11-22 18:00:00"},
    ],
)  # fmt: skip
def test_a_query_without_a_clear_word_is_unknown(scene: Any, facts: dict[str, str]) -> None:
    ctx, _ = scene.scripted(scene.says({**OK, **facts}, QUERY))
    assert scene.provider().query(ctx, "P1", "").outcome is Outcome.UNKNOWN


def test_a_finished_trade_is_paid_too(scene: Any) -> None:
    facts = {"out_trade_no": "P1", "trade_status": "TRADE_FINISHED", "total_amount": "95.50"}
    ctx, _ = scene.scripted(scene.says({**OK, **facts}, QUERY))
    assert scene.provider().query(ctx, "P1", "").outcome is Outcome.SUCCEEDED


def refund(scene: Any, *answers: str, ref: str = "T1") -> tuple[Outcome, int]:
    ctx, sent = scene.scripted(*answers)
    return scene.provider().refund(ctx, scene.refund("P1", ref, "R1")).outcome, len(sent)


def test_money_that_moved_now_needs_no_second_look(scene: Any) -> None:
    moved = scene.says({**OK, **MOVED}, REFUND)
    assert refund(scene, moved) == (Outcome.SUCCEEDED, 1)


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ({"fund_change": "N"}, DONE, Outcome.SUCCEEDED),
        ({}, DONE, Outcome.SUCCEEDED),
        ({"fund_change": "N"}, {}, Outcome.PENDING),
        ({"fund_change": "N"}, {"refund_amount": "95.50", "out_request_no": "R1"}, Outcome.PENDING),
        ({"fund_change": "N"}, {**DONE, "refund_amount": "95.49"}, Outcome.UNKNOWN),
        ({"fund_change": "N"}, {**DONE, "out_request_no": "R2"}, Outcome.UNKNOWN),
        ({"fund_change": "N"}, {**DONE, "refund_status": "REFUND_PROCESSING"}, Outcome.PENDING),
        ({"out_trade_no": "P2"}, DONE, Outcome.SUCCEEDED),
        ({"trade_no": "T2"}, {**DONE, "trade_no": "T2"}, Outcome.UNKNOWN),
    ],
)
def test_all_else_is_looked_up(
    scene: Any, first: dict[str, str], second: dict[str, str], outcome: Outcome
) -> None:
    answers = (
        scene.says({**OK, **MOVED, "fund_change": "", **first}, REFUND),
        scene.says({**OK, **second}, ASK),
    )
    assert refund(scene, *answers) == (outcome, 2)


def test_accepted_and_then_silence_is_pending_and_a_refusal_and_silence_a_doubt(
    scene: Any,
) -> None:
    accepted = scene.says({**OK, "fund_change": "N"}, REFUND)
    refused = scene.says({"code": "40004", "sub_code": "ACQ.TRADE_HAS_FINISHED"}, REFUND)
    assert refund(scene, accepted, "<html>")[0] is Outcome.PENDING
    assert refund(scene, refused, "<html>")[0] is Outcome.UNKNOWN
    assert refund(scene, refused, scene.says(OK, ASK))[0] is Outcome.DECLINED
    assert refund(scene, refused, scene.says({**OK, **DONE}, ASK))[0] is Outcome.SUCCEEDED


def test_an_unsigned_refusal_of_a_refund_is_a_doubt(scene: Any) -> None:
    text = '{"alipay_trade_refund_response":{"code":"40002","sub_code":"isv.invalid-signature"}}'
    assert refund(scene, text) == (Outcome.UNKNOWN, 1)


def bill(scene: Any, *answers: str | bytes, **changes: Any) -> Outcome:
    ctx, _ = scene.scripted(*answers)
    outcome: Outcome = scene.provider(**changes).bill(ctx, date(2026, 11, 22)).outcome
    return outcome


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({**OK, "bill_file_code": "EMPTY_DATA_WITH_BILL_FILE"}, Outcome.SUCCEEDED),
        ({"code": "40004", "sub_code": "NO_BILL_DATA"}, Outcome.SUCCEEDED),
        ({"code": "40004", "sub_code": "isp.bill_not_exist"}, Outcome.PENDING),
        ({"code": "40004", "sub_code": "USER_RATE_LIMIT"}, Outcome.PENDING),
        ({"code": "40004", "sub_code": "TYPE_NOT_SUPPORTED"}, Outcome.DECLINED),
        ({"code": "40004", "sub_code": "UNKNOWN_ERROR"}, Outcome.UNKNOWN),
        ({"code": "20000", "sub_code": "isp.unknow-error"}, Outcome.UNKNOWN),
        (OK, Outcome.UNKNOWN),
    ],
)
def test_what_alipay_says_instead_of_a_bill(
    scene: Any, facts: dict[str, str], outcome: Outcome
) -> None:
    assert bill(scene, scene.says(facts, BILL)) is outcome


def test_an_unsigned_word_about_a_bill_proves_nothing(scene: Any) -> None:
    text = f'{{"{BILL}":{{"code":"40004","sub_code":"NO_BILL_DATA"}}}}'
    assert bill(scene, text) is Outcome.UNKNOWN


def test_a_bill_without_tls_is_not_fetched_from_alipay(scene: Any) -> None:
    where = scene.says({**OK, "bill_download_url": "http://files.test/x"}, BILL)
    ctx, sent = scene.scripted(where, b"never")
    live = scene.provider(gateway_url="https://gate.test/gateway.do")
    assert live.bill(ctx, date(2026, 11, 22)).outcome is Outcome.UNKNOWN
    assert len(sent) == 1


def test_a_page_instead_of_a_file_is_a_doubt(scene: Any) -> None:
    where = scene.says({**OK, "bill_download_url": "https://files.test/x"}, BILL)
    assert bill(scene, where, b"<html>expired</html>") is Outcome.UNKNOWN


def test_a_code_of_another_order_is_no_code(scene: Any) -> None:
    node = "alipay_trade_precreate_response"
    request = scene.request("P1", method="qr")
    for facts in ({"out_trade_no": "P2", "qr_code": "https://q.test"}, {"out_trade_no": "P1"}):
        ctx, _ = scene.scripted(scene.says({**OK, **facts}, node))
        with pytest.raises(HttpOutcomeUnknown):
            scene.provider().charge(ctx, request)


def test_what_cannot_be_charged_is_declined_before_anything_is_sent(scene: Any) -> None:
    ctx, sent = scene.scripted("never")
    with pytest.raises(Declined):
        scene.provider(methods="page").charge(ctx, scene.request("P1", method="qr"))
    assert sent == []
