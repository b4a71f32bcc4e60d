"""Notices as the site sends them, and as nobody should."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.suppliers import CallbackResult
from kameng_sdk.testing import wait_for
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_kasushou.signing import goods_notice_sign, order_notice_sign
from kameng_supplier_kasushou.simulator.signing import signed_goods_notice, signed_notice

FACTS = {
    "external_orderno": "N/1", "ordersn": "D1", "status": "3", "has_back_money": "0.00",
    "total_price": "3.05", "recharge_hints": "完成",
}  # fmt: skip
CARDS = [{"card_no": "", "card_password": "SECRET"}]


def posted(body: bytes, method: str = "POST") -> WebhookRequest:
    return WebhookRequest(method=method, path="/hooks", query="", headers={}, body=body)


def sent(fields: Mapping[str, Any]) -> WebhookRequest:
    return posted(json.dumps(fields, ensure_ascii=False).encode())


def key(scene: Any) -> str:
    return str(scene.simulator.demo_config()["key"])


def read(scene: Any, request: WebhookRequest) -> CallbackResult:
    result: CallbackResult = scene.supplier().parse_callback(scene.ctx(), request)
    return result


def notice(scene: Any, **changes: str) -> dict[str, Any]:
    return signed_notice(FACTS | changes, key(scene), CARDS)


def test_the_simulators_notice_is_true_and_its_cards_are_asked_for(scene: Any) -> None:
    request = scene.purchase_request("W1", "2901", 2)
    scene.supplier().purchase(scene.ctx(), request)
    arrived = wait_for(lambda: scene.merchant.notices)[0]
    assert scene.codes("W1")[0].encode() in arrived.body, "the cards are there, and unsigned"
    result = read(scene, arrived)
    (event,) = result.events
    assert (event.purchase_no, event.result, result.offers_changed) == ("W1", None, False)
    assert (result.reply.status, result.reply.body) == (200, b"ok")


def test_forged_notices_of_the_simulator_are_refused(scene: Any) -> None:
    scene.settings(forged_callbacks="on")
    scene.supplier().purchase(scene.ctx(), scene.purchase_request("W2", "2901"))
    wait_for(lambda: len(scene.merchant.notices) >= 2)
    verdicts = []
    for arrived in scene.merchant.notices[:2]:
        try:
            verdicts.append(read(scene, arrived).events[0].purchase_no)
        except WebhookRefused as refused:
            verdicts.append(refused.reason)
    assert sorted(verdicts) == ["W2", "wrong signature"]


def test_a_form_is_read_like_json(scene: Any) -> None:
    fields = notice(scene)
    form = {**fields, "card_list": json.dumps(fields["card_list"])}
    by_form = read(scene, posted(urlencode(form).encode()))
    assert by_form.events[0].purchase_no == "N/1"
    assert by_form.events[0].event_id == read(scene, sent(fields)).events[0].event_id


def test_numbers_are_signed_as_they_were_written(scene: Any) -> None:
    stamp = int(time.time() * 1000)
    body = f'{{"external_orderno":"N","ordersn":"D","status":3,"time":{stamp},"total_price":3.10}}'
    sign = hashlib.sha1(f"{stamp}{body}{key(scene)}".encode()).hexdigest()
    assert (
        read(scene, posted(f'{body[:-1]},"sign":"{sign}"}}'.encode())).events[0].purchase_no == "N"
    )


def test_copies_and_later_tries_are_one_event(scene: Any) -> None:
    first = notice(scene)
    time.sleep(0.002)
    second = notice(scene)
    assert first["time"] != second["time"]
    ids = {read(scene, sent(fields)).events[0].event_id for fields in (first, first, second)}
    assert len(ids) == 1
    assert read(scene, sent(notice(scene, status="5"))).events[0].event_id not in ids


def test_other_cards_do_not_make_another_event(scene: Any) -> None:
    fields = notice(scene)
    other = {**fields, "card_list": [{"card_no": "", "card_password": "FALSE"}]}
    events = [read(scene, sent(copy)).events[0] for copy in (fields, other)]
    assert events[0] == events[1], "what is not signed says nothing"


@pytest.mark.parametrize(
    "change",
    [
        {"status": "5"}, {"external_orderno": "N/2"}, {"ordersn": "D2"}, {"total_price": "0.01"},
        {"time": "1695072521534"}, {"sign": ""}, {"sign": "0" * 40}, {"sign": None}, {"extra": "1"},
        {"sign": "签名"}, {"recharge_hints": "完成/"}, {"ordersn": None},
    ],
)  # fmt: skip
def test_a_changed_notice_is_refused(scene: Any, change: dict[str, Any]) -> None:
    with pytest.raises(WebhookRefused):
        read(scene, sent(notice(scene) | change))


@pytest.mark.parametrize("name", ["status", "external_orderno", "time", "sign", "ordersn"])
def test_a_notice_without_a_field_is_refused(scene: Any, name: str) -> None:
    fields = notice(scene)
    del fields[name]
    with pytest.raises(WebhookRefused):
        read(scene, sent(fields))


@pytest.mark.parametrize("moved", [timedelta(hours=3), timedelta(minutes=-6), timedelta(days=400)])
def test_an_old_or_future_notice_is_refused(scene: Any, moved: timedelta) -> None:
    fields = notice(scene)
    scene.clock.moved = moved
    with pytest.raises(WebhookRefused, match="stale or future"):
        read(scene, sent(fields))


def test_the_last_try_of_the_site_is_still_fresh(scene: Any) -> None:
    fields = notice(scene)
    scene.clock.moved = timedelta(minutes=76)
    assert read(scene, sent(fields)).events


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"[1]", b"{}", b"\xff{}", b'{"ordersn":NaN}', b"a=1&a=2", b"{" * 2000,
        b'{"ordersn":"1","ordersn":"2"}', b"sign=1", b"%", b"<html>",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(scene: Any, body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        read(scene, posted(body))


def test_a_field_given_twice_is_refused_though_the_signature_would_hold(scene: Any) -> None:
    body = json.dumps(notice(scene)).encode()
    doubled = body.replace(b'{"', b'{"status": "5", "', 1)
    with pytest.raises(WebhookRefused, match="twice"):
        read(scene, posted(doubled))


def test_only_post_is_a_notice(scene: Any) -> None:
    with pytest.raises(WebhookRefused, match="POST"):
        read(scene, replace(sent(notice(scene)), method="GET"))


def test_another_accounts_key_does_not_sign_for_us(scene: Any) -> None:
    with pytest.raises(WebhookRefused, match="wrong signature"):
        read(scene, sent(signed_notice(FACTS, "TESTKEY", CARDS)))


def test_a_goods_notice_has_the_offers_read_anew(scene: Any) -> None:
    url = f"{scene.shop_url}/notify"
    scene._ask("POST", "goods_notice", {"id": "2901", "url": url})
    arrived = wait_for(lambda: scene.merchant.notices)[0]
    result = read(scene, arrived)
    assert (result.events, result.offers_changed, result.reply.body) == ((), True, b"ok")


def test_a_goods_notice_believes_number_and_time_alone(scene: Any) -> None:
    fields = signed_goods_notice({"id": "7", "goods_price": "9.00"}, key(scene))
    assert read(scene, sent(fields | {"goods_price": "0.01"})).offers_changed, "only: read anew"
    for change in ({"id": "8"}, {"time": "1695072521534"}, {"ordersn": "D1"}, {"id": ""}):
        with pytest.raises(WebhookRefused):
            read(scene, sent(fields | change))


@pytest.mark.parametrize("more", ["", "0", "00", "000", "0000"])
def test_a_time_of_another_length_is_refused_though_it_is_signed(scene: Any, more: str) -> None:
    fields = {"id": "7", "time": f"{int(time.time())}{more}"}
    request = sent(fields | {"sign": goods_notice_sign(fields, key(scene))})
    if more in ("", "000"):
        assert read(scene, request).offers_changed
    else:
        with pytest.raises(WebhookRefused, match="no usable time"):
            read(scene, request)


def test_an_after_sales_notice_says_nothing_about_an_order(scene: Any) -> None:
    facts = {"ordersn": "D1", "status": "3", "content": "处理完成", "screenshot": ""}
    result = read(scene, sent(signed_notice(facts, key(scene), [])))
    assert (result.events, result.offers_changed, result.reply.body) == ((), False, b"ok")


def test_an_order_notice_about_nobodys_number_is_refused(scene: Any) -> None:
    facts = {**FACTS, "external_orderno": "", "time": str(int(time.time() * 1000))}
    with pytest.raises(WebhookRefused, match="external_orderno"):
        read(scene, sent({**facts, "sign": order_notice_sign(facts, key(scene))}))
