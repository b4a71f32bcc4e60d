"""Notices: the true one is believed, whatever was tampered with is refused, the old only asks."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import CallbackResult
from kameng_sdk.testing import wait_for
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_kakayun.signing import sign


def bought(scene: Any, name: str = "完美一卡通", **more: Any) -> str:
    number = scene.number()
    scene.supplier().purchase(scene.ctx(), scene.purchase_request(number, scene.ref(name), **more))
    return str(number)


def notice(scene: Any, **changes: Any) -> WebhookRequest:
    """The first notice about a bought card, with something changed and signed again."""
    bought(scene)
    request = wait_for(lambda: scene.merchant.notices)[0]
    if not changes:
        return request
    fields = json.loads(request.body) | changes
    fields = {name: value for name, value in fields.items() if value is not None}
    fields["sign"] = sign(fields, scene.simulator.demo_config()["key"])
    return replace(request, body=json.dumps(fields, ensure_ascii=False).encode())


def parsed(scene: Any, request: WebhookRequest) -> CallbackResult:
    return scene.supplier().parse_callback(scene.ctx(), request)


def test_a_true_notice_brings_the_cards(scene: Any) -> None:
    request = notice(scene)
    got = parsed(scene, request)
    (event,) = got.events
    assert event.result is not None
    assert event.result.outcome is Outcome.SUCCEEDED
    (piece,) = event.result.deliveries
    assert piece.code is not None
    assert [piece.code.reveal()] == scene.order(event.purchase_no)["codes"]
    assert (got.reply.status, got.reply.body) == (200, b"ok")


def test_a_notice_sent_twice_is_the_same_event(scene: Any) -> None:
    scene.settings(callback_times=2)
    bought(scene)
    wait_for(lambda: len(scene.merchant.notices) >= 2)
    events = {parsed(scene, request).events[0].event_id for request in scene.merchant.notices}
    assert len(events) == 1


def test_a_later_refund_is_another_event(scene: Any) -> None:
    number = bought(scene)
    wait_for(lambda: scene.merchant.notices)
    scene.control(number, "refund", amount="1")
    wait_for(lambda: len(scene.merchant.notices) >= 2)
    first, second = (parsed(scene, r).events[0] for r in scene.merchant.notices[:2])
    assert first.event_id != second.event_id
    assert second.result is not None
    assert second.result.refunded is not None


def test_a_forged_notice_of_the_simulator_is_refused(scene: Any) -> None:
    scene.settings(forged_callbacks="on", callback_times=0)
    bought(scene)
    (forged,) = wait_for(lambda: scene.merchant.notices)
    with pytest.raises(WebhookRefused, match="wrong signature"):
        parsed(scene, forged)


def tampered(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def work(body: bytes) -> bytes:
        fields = json.loads(body)
        change(fields)
        return json.dumps(fields, ensure_ascii=False).encode()

    return work


@pytest.mark.parametrize(
    "forge",
    [
        tampered(lambda f: f.update(status=4)),
        tampered(lambda f: f.update(usorderno="1")),
        tampered(lambda f: f.update(money="0.0001")),
        tampered(lambda f: f["cards"][0].update(card_pwd="other")),
        tampered(lambda f: f["cards"].append({})),
        tampered(lambda f: f.update(extra="1")),
        tampered(lambda f: f.pop("money")),
        tampered(lambda f: f.pop("sign")),
        tampered(lambda f: f.update(sign="")),
        tampered(lambda f: f.update(sign=f["sign"].upper())),
        tampered(lambda f: f.update(sign=[f["sign"]])),
        tampered(lambda f: f.update(sign="签")),
        tampered(lambda f: f.update(timestamp=f["timestamp"] + 1)),
        lambda body: body[:-1] + b',"status":4}',
        lambda body: body.replace(b'"card_type": 1', b'"card_type": 1, "card_type": 1', 1),
        lambda body: b"[" + body + b"]",
        lambda body: body[:-5],
        lambda body: b"",
        lambda body: b"\xff" + body,
        lambda body: body.replace(b'"receipt": ""', b'"receipt": "\\ud800"'),
        lambda body: b"[" * 100_000,
        lambda body: body + b" " * 300_000,
    ],
)
def test_forgeries_are_refused(scene: Any, forge: Callable[[bytes], bytes]) -> None:
    request = notice(scene)
    body = forge(request.body)
    assert body != request.body
    with pytest.raises(WebhookRefused):
        parsed(scene, replace(request, body=body))


def test_only_a_plain_post_is_read(scene: Any) -> None:
    request = notice(scene)
    for wrong in (replace(request, method="GET"), replace(request, query="a=1")):
        with pytest.raises(WebhookRefused):
            parsed(scene, wrong)


def test_what_is_old_only_asks_and_what_is_older_is_refused(scene: Any) -> None:
    request = notice(scene)
    fresh = parsed(scene, request).events[0]
    scene.clock.moved = timedelta(minutes=75)
    (event,) = parsed(scene, request).events
    assert (event.result, event.event_id) == (None, fresh.event_id)
    for moved in (timedelta(hours=3), timedelta(minutes=-6)):
        scene.clock.moved = moved
        with pytest.raises(WebhookRefused, match="too old"):
            parsed(scene, request)


def test_a_notice_without_time_or_in_unknown_words_only_asks(scene: Any) -> None:
    for changes in ({"timestamp": None}, {"status": 77}, {"cards": [7]}):
        assert parsed(scene, notice(scene, **changes)).events[0].result is None
    with pytest.raises(WebhookRefused, match="no number"):
        parsed(scene, notice(scene, timestamp="now"))


def test_numbers_with_fractions_are_signed_as_php_writes_them(scene: Any) -> None:
    (event,) = parsed(scene, notice(scene, money=9.5, refundmoney=1.25, refundstatus=2)).events
    assert event.result is not None
    assert event.result.cost is not None
    assert (event.result.cost.format(4), str(event.result.refunded)) == ("9.5000", "1.25 CNY")


def test_changed_goods_are_told_and_a_notice_about_nothing_is_refused(scene: Any) -> None:
    got = parsed(scene, notice(scene, usorderno=None, goodsid=680001, goodsprice=13.36))
    assert (got.offers_changed, list(got.events)) == (True, [])
    with pytest.raises(WebhookRefused):
        parsed(scene, notice(scene, usorderno=None))
