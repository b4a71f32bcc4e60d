"""Notices as the site sends them, and as nobody should."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import CallbackResult, PurchaseResult
from kameng_sdk.testing import wait_for
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_kayixin.signing import sign
from kameng_supplier_kayixin.simulator.signing import digest, seal

FACTS: dict[str, Any] = {
    "orderNumber": "K1", "outerNumber": "N1", "status": 3, "money": 0.1, "retMoney": 0,
    "startCount": "", "nowCount": "", "endCount": "", "result": "处理成功",
}  # fmt: skip
CARDS = [{"cardId": "1", "cardNo": "764", "cardPwd": "QX-9", "status": 0, "cancelRequest": 1}]


def keys(scene: Any) -> tuple[str, str]:
    config = scene.simulator.demo_config()
    return str(config["app_id"]), str(config["secret"])


def signed(scene: Any, body: bytes, **headers: str) -> WebhookRequest:
    """A notice with the headers of the site; `headers` replace some after signing."""
    app_id, secret = keys(scene)
    stamp = str(int(scene.clock.now().timestamp()))
    found = {
        "x-app-id": app_id, "x-version": "3.0", "x-timestamp": stamp,
        "x-signature": sign(app_id, secret, stamp, body),
    }  # fmt: skip
    return WebhookRequest(
        method="POST", path="/hooks", query="", headers=found | headers, body=body
    )


def notice(scene: Any, facts: Mapping[str, Any] | None = None, **changes: Any) -> WebhookRequest:
    fields = dict(FACTS if facts is None else facts) | changes
    return signed(scene, json.dumps(fields, ensure_ascii=False).encode())


def sealed(scene: Any, cards: list[dict[str, Any]] = CARDS) -> str:
    return seal(cards, keys(scene)[1])


def read(scene: Any, request: WebhookRequest) -> CallbackResult:
    result: CallbackResult = scene.supplier().parse_callback(scene.ctx(), request)
    return result


def told(scene: Any, **changes: Any) -> PurchaseResult | None:
    (event,) = read(scene, notice(scene, **changes)).events
    return event.result


def test_the_simulators_notice_brings_the_cards(scene: Any) -> None:
    request = scene.purchase_request("W1", "6501", 2)
    scene.supplier().purchase(scene.ctx(), request)
    arrived = wait_for(lambda: scene.merchant.notices)[0]
    codes = scene.codes("W1")
    assert codes[0].encode() not in arrived.body, "sealed"
    result = read(scene, arrived)
    (event,) = result.events
    assert event.result is not None
    assert [piece.code.reveal() for piece in event.result.deliveries if piece.code] == codes
    assert (event.result.outcome, event.result.cost) == (Outcome.SUCCEEDED, Money(1_950_000))
    assert (event.purchase_no, result.reply.status, result.reply.body) == ("W1", 200, b"ok")


def test_forged_notices_of_the_simulator_are_refused(scene: Any) -> None:
    scene.settings(forged_callbacks="on")
    scene.supplier().purchase(scene.ctx(), scene.purchase_request("W2", "6501"))
    wait_for(lambda: len(scene.merchant.notices) >= 2)
    verdicts = []
    for arrived in scene.merchant.notices[:2]:
        try:
            verdicts.append(read(scene, arrived).events[0].purchase_no)
        except WebhookRefused as refused:
            verdicts.append(refused.reason)
    assert sorted(verdicts) == ["W2", "wrong signature"]


def test_a_failed_top_up_is_told_with_its_money(scene: Any) -> None:
    request = scene.purchase_request("W3", "6551", inputs={"手机号码": "13800138091"})
    scene.supplier().purchase(scene.ctx(), request)
    arrived = wait_for(lambda: scene.merchant.notices)[0]
    result = read(scene, arrived).events[0].result
    assert result is not None
    assert (result.outcome, result.refunded) == (Outcome.DECLINED, Money(994_500))


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"status": 2}, Outcome.PENDING), ({"status": 8}, Outcome.PENDING),
        ({"status": 4}, Outcome.DECLINED), ({"status": 5, "retMoney": 0.1}, Outcome.DECLINED),
        ({"status": 5, "retMoney": 0}, Outcome.UNKNOWN), ({"status": 0}, Outcome.UNKNOWN),
    ],
)  # fmt: skip
def test_signed_states_are_believed(scene: Any, changes: dict[str, Any], outcome: Outcome) -> None:
    result = told(scene, **changes)
    assert result is not None
    assert result.outcome is outcome


def test_a_done_order_without_cards_is_asked_for(scene: Any) -> None:
    assert told(scene, status=3, cards="") is None
    assert told(scene, status=9) is None


def test_cards_that_do_not_open_or_cannot_be_read_are_asked_for(scene: Any) -> None:
    for cards in ("AAAA", seal(CARDS, "f" * 32), sealed(scene, [{"cardId": "1"}])):
        assert told(scene, cards=cards) is None


def test_a_short_secret_opens_nothing_and_the_order_is_asked_for(scene: Any) -> None:
    supplier = scene.supplier(secret="short")
    body = json.dumps(FACTS | {"cards": "AAAA"}).encode()
    app_id, stamp = keys(scene)[0], str(int(scene.clock.now().timestamp()))
    request = signed(scene, body, **{"x-signature": digest(app_id, "short", stamp, body.decode())})
    assert supplier.parse_callback(scene.ctx(), request).events[0].result is None


def test_copies_and_later_tries_are_one_event(scene: Any) -> None:
    body = json.dumps(FACTS).encode()
    first = read(scene, signed(scene, body)).events[0]
    scene.clock.moved = timedelta(minutes=20)
    second = read(scene, signed(scene, body)).events[0]
    assert first == second
    other = read(scene, notice(scene, status=5)).events[0]
    assert other.event_id != first.event_id


@pytest.mark.parametrize(
    "headers",
    [
        {"x-signature": ""}, {"x-signature": "0" * 32}, {"x-signature": "签名"},
        {"x-app-id": "1"}, {"x-app-id": ""}, {"x-version": "2.0"}, {"x-version": ""},
        {"x-timestamp": ""}, {"x-timestamp": "17600"}, {"x-timestamp": "1760767397"},
        {"x-timestamp": "17607673970"}, {"x-timestamp": "１７６０７６７３９７"},
    ],
)  # fmt: skip
def test_changed_headers_are_refused(scene: Any, headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused):
        read(scene, signed(scene, json.dumps(FACTS).encode(), **headers))


@pytest.mark.parametrize("more", ["0", "00", "000000"])
def test_a_time_of_another_length_is_refused_though_it_is_signed(scene: Any, more: str) -> None:
    body, (app_id, secret) = json.dumps(FACTS).encode(), keys(scene)
    stamp = f"{int(scene.clock.now().timestamp())}{more}"
    headers = {"x-timestamp": stamp, "x-signature": sign(app_id, secret, stamp, body)}
    with pytest.raises(WebhookRefused, match="no usable time"):
        read(scene, signed(scene, body, **headers))


def test_a_name_given_twice_is_refused(scene: Any) -> None:
    body = json.dumps(FACTS).encode().replace(b"{", b'{"status": 5, ', 1)
    with pytest.raises(WebhookRefused, match="twice"):
        read(scene, signed(scene, body))


def test_a_changed_body_is_refused(scene: Any) -> None:
    request = notice(scene)
    for old, new in ((b'"status": 3', b'"status": 5'), (b"N1", b"N2"), (b"}", b"} ")):
        assert old in request.body
        with pytest.raises(WebhookRefused, match="wrong signature"):
            read(scene, replace(request, body=request.body.replace(old, new)))


def test_the_end_of_the_time_is_not_the_beginning_of_the_body(scene: Any) -> None:
    """Nothing separates the two in the signed text."""
    request = notice(scene)
    stamp = request.headers["x-timestamp"]
    moved = replace(
        request, headers={**request.headers, "x-timestamp": stamp[:-1]},
        body=stamp[-1:].encode() + request.body,
    )  # fmt: skip
    with pytest.raises(WebhookRefused, match="time"):
        read(scene, moved)


@pytest.mark.parametrize("minutes", [6, -6, 600_000])
def test_an_old_or_future_notice_is_refused(scene: Any, minutes: int) -> None:
    request = notice(scene)
    scene.clock.moved = timedelta(minutes=minutes)
    with pytest.raises(WebhookRefused, match="stale or future"):
        read(scene, request)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"5", b"{}", b"\xff", b"a=1", b'{"status":3,"status":5}', b"[" * 9000],
)
def test_what_cannot_be_read_is_refused(scene: Any, body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        read(scene, signed(scene, body))


def test_only_post_is_a_notice(scene: Any) -> None:
    with pytest.raises(WebhookRefused, match="POST"):
        read(scene, replace(notice(scene), method="GET"))


@pytest.mark.parametrize(
    "sent",
    [
        {"orderNumber": "", "outerNumber": "N1"},
        {"goodsId": 5},
        {"goodsId": 5, "count": 1, "notifyUrl": "", "outerNumber": "N1", "safePrice": 1.0,
         "sku": "", "attach": [], "status": 3, "orderNumber": "K1"},
        {"page": 1, "goodsType": "", "keyWord": ""},
    ],
)  # fmt: skip
def test_our_own_signed_request_is_no_notice(scene: Any, sent: dict[str, Any]) -> None:
    with pytest.raises(WebhookRefused, match=r"our own|neither"):
        read(scene, notice(scene, sent))


def test_a_goods_notice_has_the_offers_read_anew(scene: Any) -> None:
    scene._ask("POST", "goods_notice", {"id": "6501", "url": f"{scene.shop_url}/notify"})
    arrived = wait_for(lambda: scene.merchant.notices)[0]
    result = read(scene, arrived)
    assert (result.events, result.offers_changed, result.reply.body) == ((), True, b"ok")


def test_a_complaint_says_nothing_about_the_order(scene: Any) -> None:
    facts = {"orderNumber": "K1", "outerNumber": "N1", "replay": "好", "reqId": 107, "status": 3}
    result = read(scene, notice(scene, facts))
    assert (result.events, result.offers_changed, result.reply.body) == ((), False, b"ok")


def test_an_order_placed_by_hand_is_nobodys(scene: Any) -> None:
    assert read(scene, notice(scene, outerNumber="")).events == ()
