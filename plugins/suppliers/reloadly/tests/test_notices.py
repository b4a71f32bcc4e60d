"""Webhooks: the true one, copies, and every forgery."""

import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from kameng_sdk.errors import CapabilityNotSupported, WebhookRefused
from kameng_sdk.outcomes import Outcome
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_reloadly.notices import RECEIVED
from kameng_supplier_reloadly.signing import genuine, signature

MOBILE, STEAM = "topup:88:5", "giftcard:13:25"
DATA = {"transactionId": 7, "status": "SUCCESSFUL", "customIdentifier": "1"}
BODY = {"type": "airtime_transaction.status", "data": DATA}


def notice(scene, body=BODY, **changes):
    """A webhook signed by Reloadly over changed parts."""
    now = str(int(scene.clock.now().timestamp()))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    secret = scene.simulator.demo_config()["webhook_secret"]
    given = {"method": "POST", "query": "", "time": now, "sent": raw, "secret": secret} | changes
    sign = signature(given["secret"], raw, given.get("signed_time", given["time"]))
    return WebhookRequest(
        method=given["method"], path="/hooks/supplier-reloadly/token", query=given["query"],
        body=given["sent"],
        headers={
            "x-reloadly-request-timestamp": given["time"],
            "x-reloadly-signature": given.get("sign", sign),
        },
    )  # fmt: skip


def read(scene, request):
    return scene.supplier().parse_callback(scene.ctx(), request)


def test_the_signature_is_the_documented_one():
    """Computed from the description: HMAC-SHA256 of the raw body, a colon and the time."""
    body, time = b'{"type":"airtime_transaction.status"}', "1700000000"
    right = hmac.new(b"TESTKEY", b'{"type":"airtime_transaction.status"}:1700000000', "sha256")
    assert signature("TESTKEY", body, time) == right.hexdigest()
    assert genuine(right.hexdigest(), "TESTKEY", body, time)
    assert signature("TESTKEY", body, time) == (
        "c00ac77601a7e4c88fbe112c44fdd7cc4bb74026a9ecf1d89d3f95105b56e53f"
    )


@pytest.mark.parametrize("sku", [MOBILE, STEAM])
def test_reloadlys_own_webhook_makes_the_host_ask(scene, until, sku):
    scene.hook()
    number = f"50000000000000000{[MOBILE, STEAM].index(sku)}"
    scene.buy(number, sku)
    raw = until(lambda: scene.merchant.notices)[0]
    result = read(scene, raw)
    (event,) = result.events
    assert (event.purchase_no, event.result, result.reply) == (number, None, RECEIVED)
    assert scene.supplier().query(scene.ctx(), number, "").outcome is Outcome.SUCCEEDED


def test_copies_are_one_event(scene, until):
    scene.hook()
    scene.settings(callback_times=3)
    scene.buy("500000000000000003", STEAM)
    until(lambda: len(scene.merchant.notices) == 3)
    assert len({read(scene, raw).events[0].event_id for raw in scene.merchant.notices}) == 1


def test_forged_webhooks_of_the_simulator_are_refused(scene, until):
    scene.hook()
    scene.settings(forged_callbacks="on")
    scene.buy("500000000000000004", STEAM)
    until(lambda: len(scene.merchant.notices) == 2)
    refused = 0
    for raw in scene.merchant.notices:
        try:
            read(scene, raw)
        except WebhookRefused:
            refused += 1
    assert refused == 1


def test_another_state_is_another_event(scene):
    def event_id(status):
        body = BODY | {"data": DATA | {"status": status}}
        return read(scene, notice(scene, body)).events[0].event_id

    assert event_id("SUCCESSFUL") == event_id("SUCCESSFUL") != event_id("REFUNDED")


@pytest.mark.parametrize(
    "body",
    [
        BODY | {"type": "utility_transaction.status"}, {"data": DATA},
        BODY | {"data": DATA | {"customIdentifier": None}},
        BODY | {"data": DATA | {"customIdentifier": ""}},
        {"type": "giftcard_transaction.status"},
    ],
)  # fmt: skip
def test_what_is_about_something_else_is_taken_and_means_nothing(scene, body):
    result = read(scene, notice(scene, body))
    assert (result.events, result.reply) == ((), RECEIVED)


def test_a_flat_body_is_read_too(scene):
    (event,) = read(scene, notice(scene, {"type": "giftcard_transaction.status", **DATA})).events
    assert event.purchase_no == "1"


FORGED = {
    "no signature": {"sign": ""},
    "signed by another secret": {"secret": "other"},
    "a signature of the right length": {"sign": "0" * 64},
    "a signature that is no ASCII": {"sign": "签名"},
    "another body": {
        "sent": json.dumps(BODY | {"data": DATA | {"customIdentifier": "2"}}).encode()
    },
    "a time that was not signed": {"signed_time": "1700000000"},
    "a query, which nothing signs": {"query": "a=1"},
    "a GET": {"method": "GET"},
    "no time": {"time": ""},
    "a time that is no number": {"time": "-1"},
    "a time in other digits": {"time": "١٧٠٠٠٠٠٠٠٠"},
    "a time without end": {"time": "9" * 15},
    "a plain digest": {"sign": hashlib.sha256(json.dumps(BODY).encode()).hexdigest()},
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forgery_is_refused(scene, forgery):
    with pytest.raises(WebhookRefused):
        read(scene, notice(scene, **FORGED[forgery]))


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b'"x"', b'{"type":"a","type":"b"}'])
def test_what_is_signed_and_makes_no_sense_is_refused_too(scene, body):
    with pytest.raises(WebhookRefused):
        read(scene, notice(scene, body))


@pytest.mark.parametrize("unit", [1, 1000])
@pytest.mark.parametrize(
    ("seconds", "fresh"), [(298, True), (-298, True), (302, False), (-302, False)]
)
def test_a_webhook_is_fresh_for_five_minutes_in_seconds_or_milliseconds(
    scene, seconds, fresh, unit
):
    request = notice(scene, time=str(int(scene.clock.now().timestamp()) * unit))
    scene.clock.moved = timedelta(seconds=seconds)
    if fresh:
        assert read(scene, request).events
    else:
        with pytest.raises(WebhookRefused, match="stale"):
            read(scene, request)


def test_without_a_secret_no_webhook_is_taken(scene):
    with pytest.raises(CapabilityNotSupported):
        scene.supplier(webhook_secret="").parse_callback(scene.ctx(), notice(scene))
