"""Notices: the true one, copies, and every forgery."""

import json
from datetime import timedelta

import pytest

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_kameng.notices import RECEIVED
from kameng_supplier_kameng.signing import notice_signature

STEAM_50 = "STEAM-50"
DATA = {"order_no": "K1", "merchant_order_no": "5", "state": "delivered", "refunded": "0.00"}
BODY = {"type": "order.delivered", "timestamp": "2026-03-01T12:00:00Z", "data": DATA}


def notice(scene, body=BODY, **changes):
    """A notice signed over changed parts."""
    now = str(int(scene.clock.now().timestamp()))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {
        "method": "POST", "query": "", "id": "msg_1", "time": now, "sent": raw,
        "signed_id": "msg_1", "secret": scene.simulator.demo_config()["secret"],
    } | changes  # fmt: skip
    sign = notice_signature(given["secret"].encode(), given["signed_id"], given["time"], raw)
    return WebhookRequest(
        method=given["method"], path="/hooks/supplier-kameng/token", query=given["query"],
        body=given["sent"],
        headers={
            "webhook-id": given["id"], "webhook-timestamp": given["time"],
            "webhook-signature": given.get("sign", sign),
        },
    )  # fmt: skip


def read(scene, request):
    return scene.supplier().parse_callback(scene.ctx(), request)


def test_a_notice_says_that_something_has_happened_and_nothing_of_goods(scene, until):
    scene.buy("500000000000000001", STEAM_50, 2)
    (raw,) = until(lambda: scene.merchant.notices)
    sale = scene.order("500000000000000001")
    assert not any(code.encode() in raw.body for code in sale["codes"])
    result = read(scene, raw)
    (event,) = result.events
    assert (event.purchase_no, event.result, result.reply) == (
        "500000000000000001", None, RECEIVED,
    )  # fmt: skip
    assert event.supplier_ref == sale["ref"], "the host compares it with its own"


def test_an_answer_ends_the_repetition_and_a_refusal_does_not(scene, until):
    scene.merchant.status = 500
    scene.buy("500000000000000002", STEAM_50)
    until(lambda: len(scene.merchant.notices) >= 2)
    scene.merchant.status = RECEIVED.status
    seen = {read(scene, raw).events[0].event_id for raw in scene.merchant.notices}
    assert len(seen) == 1, "copies are signed anew, and are one event"


def test_money_that_comes_back_is_another_event(scene, until):
    scene.buy("500000000000000003", STEAM_50)
    until(lambda: scene.merchant.notices)
    scene.control("500000000000000003", "refund", amount="10.00")
    until(lambda: len(scene.merchant.notices) == 2)
    first, second = (read(scene, raw).events[0] for raw in scene.merchant.notices)
    assert first.event_id != second.event_id


def test_forged_notices_of_the_simulator_are_refused(scene, until):
    scene.settings(forged_callbacks="on")
    scene.buy("500000000000000004", STEAM_50)
    until(lambda: len(scene.merchant.notices) >= 2)
    refused = 0
    for raw in scene.merchant.notices:
        try:
            read(scene, raw)
        except WebhookRefused:
            refused += 1
    assert refused == 1


def test_either_of_two_signatures_will_do_while_a_secret_is_changed(scene):
    raw = notice(scene)
    true = raw.header("webhook-signature")
    assert read(scene, notice(scene, sign=f"v1,AAAA {true}")).events
    assert read(scene, notice(scene, sign=f"{true} v1,AAAA")).events


@pytest.mark.parametrize(
    "body", [BODY | {"type": "key.revoked"}, BODY | {"data": DATA | {"merchant_order_no": ""}}]
)
def test_what_is_not_of_ours_is_taken_and_changes_nothing(scene, body):
    result = read(scene, notice(scene, body))
    assert (result.events, result.reply) == ((), RECEIVED)


FORGED = {
    "no signature": {"sign": ""},
    "signed by another secret": {"secret": "other"},
    "signature without its version": {"sign": "AAAA"},
    "signature that is no ASCII": {"sign": "v1,签名"},
    "another id": {"id": "msg_2"},
    "no id": {"id": "", "signed_id": ""},
    "another body": {"sent": json.dumps(BODY | {"data": DATA | {"order_no": "K2"}}).encode()},
    "a query, which nothing signs": {"query": "state=delivered"},
    "a GET": {"method": "GET"},
    "no time": {"time": ""},
    "a time that is no number": {"time": "1e9"},
    "a time in other digits": {"time": "١٧٠٠٠٠٠٠٠٠"},
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forgery_is_refused(scene, forgery):
    with pytest.raises(WebhookRefused):
        read(scene, notice(scene, **FORGED[forgery]))


BODIES = {
    "not JSON": b"{", "not UTF-8": b"\xff", "a list": b"[]", "no type": {"data": DATA},
    "no data": {"type": "order.delivered"}, "data in words": BODY | {"data": "K1"},
    "no number of ours": BODY | {"data": {"order_no": "K1"}},
    "no number of theirs": BODY | {"data": {"merchant_order_no": "5"}},
    "too long": BODY | {"data": DATA | {"merchant_order_no": "1" * 129}},
    "a name twice": b'{"type":"order.a","type":"order.b","data":{"order_no":"K1",'
    b'"merchant_order_no":"5"}}',
}  # fmt: skip


@pytest.mark.parametrize("kind", BODIES)
def test_what_is_signed_and_makes_no_sense_is_refused_too(scene, kind):
    with pytest.raises(WebhookRefused):
        read(scene, notice(scene, BODIES[kind]))


@pytest.mark.parametrize(
    ("seconds", "fresh"), [(298, True), (-298, True), (302, False), (-302, False)]
)
def test_a_notice_is_fresh_for_five_minutes(scene, seconds, fresh):
    request = notice(scene)
    scene.clock.moved = timedelta(seconds=seconds)
    if fresh:
        assert read(scene, request).events
    else:
        with pytest.raises(WebhookRefused, match="stale"):
            read(scene, request)
