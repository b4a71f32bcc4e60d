"""Notices: the true one, copies, and every forgery."""

import hashlib
import json
from datetime import timedelta

import pytest

from kameng_sdk.errors import HttpOutcomeUnknown, WebhookRefused
from kameng_sdk.outcomes import Outcome
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_dujiao_next.notices import RECEIVED, SIGNED_PATH
from kameng_supplier_dujiao_next.signing import signature

STEAM_50, PHONE = "101:1001", "104:1005"
BODY = {"event": "order.fulfilled", "order_id": 7, "downstream_order_no": "1", "status": "paid"}


def notice(scene, body=BODY, **changes):
    """A notice signed by the site over changed parts."""
    config, now = scene.simulator.demo_config(), str(int(scene.clock.now().timestamp()))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {
        "method": "POST", "query": "", "key": config["api_key"], "time": now, "sent": raw,
        "path": "/hooks/supplier-dujiao-next/token", "signed": SIGNED_PATH,
        "secret": config["api_secret"],
    } | changes  # fmt: skip
    sign = signature(given["secret"], "POST", given["signed"], given["time"], raw)
    return WebhookRequest(
        method=given["method"], path=given["path"], query=given["query"], body=given["sent"],
        headers={
            "dujiao-next-api-key": given["key"], "dujiao-next-timestamp": given["time"],
            "dujiao-next-signature": given.get("sign", sign),
        },
    )  # fmt: skip


def read(scene, request):
    return scene.supplier().parse_callback(scene.ctx(), request)


def test_the_sites_own_notice_brings_the_cards(scene, until):
    scene.buy("500000000000000001", STEAM_50, 2)
    (raw,) = until(lambda: scene.merchant.notices)
    result = read(scene, raw)
    (event,) = result.events
    assert (event.purchase_no, result.reply) == ("500000000000000001", RECEIVED)
    assert event.result.outcome is Outcome.SUCCEEDED
    sale = scene.order("500000000000000001")
    assert [piece.code.reveal() for piece in event.result.deliveries] == sale["codes"]
    assert event.result.supplier_ref == sale["ref"], "the host compares it with its own"


def test_an_answer_ends_the_repetition_and_silence_does_not(scene, until):
    scene.merchant.answer = '{"ok": false}'
    scene.buy("500000000000000002", STEAM_50)
    until(lambda: len(scene.merchant.notices) >= 2)
    scene.merchant.answer = RECEIVED.body.decode()
    seen = {read(scene, raw).events[0].event_id for raw in scene.merchant.notices}
    assert len(seen) == 1, "copies differ in their time, and are one event"


def test_a_lost_answer_is_made_good_by_the_notice(scene, until):
    scene.settings(lie_on="buy", lie_late_success=100)
    with pytest.raises(HttpOutcomeUnknown):
        scene.buy("500000000000000003", STEAM_50)
    (raw,) = until(lambda: scene.merchant.notices)
    (event,) = read(scene, raw).events
    assert event.purchase_no == "500000000000000003"
    assert event.result.supplier_ref == scene.order("500000000000000003")["ref"]


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


def test_a_canceled_order_is_asked_for_since_a_notice_has_no_sums(scene):
    (event,) = read(scene, notice(scene, BODY | {"status": "canceled"})).events
    assert event.result is None


def test_an_open_order_only_gives_its_number(scene):
    (event,) = read(scene, notice(scene)).events
    assert (event.result.outcome, event.result.supplier_ref) == (Outcome.PENDING, "7")


def test_the_event_is_the_same_at_another_time_and_another_for_another_state(scene):
    def event_id(body):
        return read(scene, notice(scene, body)).events[0].event_id

    assert event_id(BODY | {"timestamp": 1}) == event_id(BODY | {"timestamp": 2})
    assert event_id(BODY) != event_id(BODY | {"status": "fulfilling"})


FORGED = {
    "no signature": {"sign": ""},
    "signed by another secret": {"secret": "other"},
    "signature in capitals": {"sign": "A" * 64},
    "signature that is no ASCII": {"sign": "签名"},
    "another connection's key": {"key": "dj_other"},
    "no key": {"key": ""},
    "signed for another path": {"signed": "/hooks/supplier-dujiao-next/token"},
    "another body": {"sent": json.dumps(BODY | {"order_id": 8}).encode()},
    "a query, which nothing signs": {"query": "status=completed"},
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
    "not JSON": b"{", "not UTF-8": b"\xff", "a list": b"[]", "no number of ours": {"order_id": 1},
    "no order": BODY | {"order_id": 0}, "an order in words": BODY | {"order_id": "7"},
    "no state": BODY | {"status": 1}, "too long": BODY | {"downstream_order_no": "1" * 65},
    "a name twice": b'{"order_id":1,"order_id":2,"downstream_order_no":"1","status":"paid"}',
}  # fmt: skip


@pytest.mark.parametrize("kind", BODIES)
def test_what_is_signed_and_makes_no_sense_is_refused_too(scene, kind):
    with pytest.raises(WebhookRefused):
        read(scene, notice(scene, BODIES[kind]))


@pytest.mark.parametrize(("seconds", "fresh"), [(59, True), (-59, True), (62, False), (-62, False)])
def test_a_notice_is_fresh_for_a_minute(scene, seconds, fresh):
    request = notice(scene)
    scene.clock.moved = timedelta(seconds=seconds)
    if fresh:
        assert read(scene, request).events
    else:
        with pytest.raises(WebhookRefused, match="stale"):
            read(scene, request)


def test_the_digest_alone_is_no_signature(scene):
    digest = hashlib.md5(json.dumps(BODY).encode(), usedforsecurity=False).hexdigest()
    with pytest.raises(WebhookRefused):
        read(scene, notice(scene, sign=digest))
