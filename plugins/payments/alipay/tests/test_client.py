"""Answers: verified as they are written, and doubt kept as doubt."""

import json
from typing import Any

import pytest

from kameng_payment_alipay.client import Answer, call, raw_members
from kameng_sdk.errors import HttpOutcomeUnknown

NODE = "alipay_trade_query_response"


def ask(scene: Any, text: str | bytes, status: int = 200, **changes: Any) -> Answer:
    ctx, _ = scene.scripted(text, status=status)
    account = scene.provider(**changes)._account
    return call(ctx, account, "alipay.trade.query", {"out_trade_no": "a"})


def test_what_is_signed_is_the_text_as_it_is_written(scene: Any) -> None:
    for raw in (
        '{"code":"10000","u":"https:\\/\\/a","s":"\\u8bdd } \\" {"}',
        '{ "code" : "10000",\n "n": {"a": [1, {"b": "}"}]} }',
        '{"code":"10000","total_amount":95.50}',
    ):
        got = ask(scene, scene.says(raw))
        assert got.ok
        assert got.proven
    assert got.text("total_amount") == "95.50"


def test_a_node_named_inside_a_value_is_not_taken_for_it(scene: Any) -> None:
    good = scene.says({"code": "10000"})
    trick = f'{{"note":"\\"{NODE}\\":{{\\"code\\":\\"10000\\"}}",{good[1:]}'
    assert ask(scene, trick).proven


def test_success_without_a_right_signature_is_a_doubt(scene: Any) -> None:
    good = scene.says({"code": "10000", "trade_status": "WAIT_BUYER_PAY"})
    unsigned = f'{{"{NODE}":{{"code":"10000"}}}}'
    for text in (
        good.replace("WAIT_BUYER_PAY", "TRADE_SUCCESS"), unsigned,
        good.replace('"sign":"', '"sign":"AAAA'), good.replace('"sign"', '"signature"'),
        f'{good[:-1]},"sign":"x"}}', good + good, good[:-1], good.replace(NODE, "other_response"),
    ):  # fmt: skip
        with pytest.raises(HttpOutcomeUnknown):
            ask(scene, text)


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", '{"a"}', "<html>", "{" * 5000, b"\xff"])
def test_anything_but_an_answer_is_a_doubt(scene: Any, body: str | bytes) -> None:
    with pytest.raises(HttpOutcomeUnknown):
        ask(scene, body)


@pytest.mark.parametrize("status", [302, 404, 500, 502])
def test_http_errors_are_a_doubt_whatever_they_say(scene: Any, status: int) -> None:
    with pytest.raises(HttpOutcomeUnknown):
        ask(scene, scene.says({"code": "10000"}), status)


def test_only_a_signed_no_is_a_no(scene: Any) -> None:
    no = {"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"}
    assert ask(scene, scene.says(no)).refused
    assert not ask(scene, f'{{"{NODE}":{json.dumps(no)}}}').refused
    assert not ask(scene, f'{{"error_response":{json.dumps(no)}}}').refused


@pytest.mark.parametrize(
    ("code", "sub_code"),
    [("40004", "ACQ.SYSTEM_ERROR"), ("20000", "isp.unknow-error"), ("40004", "aop.unknow-error"),
     ("10003", ""), ("40004", "REQUEST_PROCESSING"), ("40004", "ACQ.DISCORDANT_REPEAT_REQUEST"),
     ("40004", "PAYMENT_INFO_INCONSISTENCY"), ("", ""), ("20001", "aop.invalid-auth-token")],
)  # fmt: skip
def test_what_may_be_under_way_is_no_refusal(scene: Any, code: str, sub_code: str) -> None:
    got = ask(scene, scene.says({"code": code, "sub_code": sub_code}))
    assert not got.refused
    assert not got.ok


def test_an_answer_under_another_certificate_is_a_doubt(scene: Any) -> None:
    text = scene.says({"code": "10000"}, alipay_cert_sn="0" * 32)
    with pytest.raises(HttpOutcomeUnknown, match="another Alipay certificate"):
        ask(scene, text)


def test_the_charset_stands_in_the_address_and_secrets_nowhere(scene: Any) -> None:
    ctx, sent = scene.scripted(scene.says({"code": "10000"}))
    call(ctx, scene.provider()._account, "alipay.trade.query", {"out_trade_no": "a"})
    ((method, url, more),) = sent
    assert (method, "charset=utf-8" in url) == ("POST", True)
    assert list(more["data"]) == ["biz_content"]
    assert "PRIVATE" not in f"{url}{more}"


def test_members_are_cut_out_exactly() -> None:
    assert raw_members(' { "a" : {"b":1 } , "c":"x"}\n') == {"a": '{"b":1 }', "c": '"x"'}
    for bad in ('{"a":1,"a":2}', '{"a":1} x', '{"a":1,}', "{1:2}", '{"a" 1}'):
        with pytest.raises(ValueError, match=r"."):
            raw_members(bad)
