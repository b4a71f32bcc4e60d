"""Notices of V4: true ones ask for a question, forged ones are refused, copies do no harm."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from kameng_sdk.errors import WebhookRefused
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import CallbackResult
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_acg_shared.signing import sign

NO = "26089000000000000001"
TRUE = {"item_trade_no": f"{NO}c", "status": "1", "contents": "A----B"}


def posted(form: dict[str, str], signature: str, **changes: Any) -> WebhookRequest:
    values: dict[str, Any] = {
        "method": "POST", "path": "/notify", "query": "",
        "headers": {"apisignature": signature}, "body": urlencode(form).encode(),
    }  # fmt: skip
    return WebhookRequest(**(values | changes))


def read(scene: Any, request: WebhookRequest) -> CallbackResult:
    result: CallbackResult = scene.supplier("v4").parse_callback(scene.ctx(), request)
    return result


def key(scene: Any) -> str:
    return str(scene.simulator.demo_config()["app_key"])


def signed(scene: Any, form: dict[str, str], **changes: Any) -> WebhookRequest:
    return posted(form, sign(form, key(scene)), **changes)


def test_a_true_notice_says_ask_and_is_answered_in_json(scene: Any) -> None:
    result = read(scene, signed(scene, TRUE))
    (event,) = result.events
    assert (event.purchase_no, event.result) == (NO, None)
    assert result.reply.body == '{"code":200,"msg":"success"}'


def test_a_copy_has_the_same_id_and_another_state_another(scene: Any) -> None:
    ids = [
        read(scene, signed(scene, form)).events[0].event_id
        for form in (TRUE, dict(reversed(TRUE.items())), {**TRUE, "status": "2"})
    ]
    assert ids[0] == ids[1] != ids[2]


def test_the_simulator_tells_and_is_believed(scene: Any, until: Callable[..., Any]) -> None:
    number, supplier = "26089000000000000002", scene.supplier("v4")
    request = scene.purchase_request(number, "t/2001", inputs={"account": "13800000011"})
    first = supplier.purchase(scene.ctx(), request)
    until(lambda: scene.merchant.notices)
    (event,) = read(scene, scene.merchant.notices[0]).events
    assert event.purchase_no == number
    result = supplier.query(scene.ctx(), number, first.supplier_ref)
    assert result.outcome is Outcome.SUCCEEDED
    scene.control(f"{number}t", "notify")
    until(lambda: len(scene.merchant.notices) == 2)
    (again,) = read(scene, scene.merchant.notices[1]).events
    assert again == event


def test_forged_notices_of_the_simulator_are_refused(scene: Any, until: Callable[..., Any]) -> None:
    scene.settings(forged_callbacks="on")
    request = scene.purchase_request("26089000000000000003", "c/1001")
    scene.supplier("v4").purchase(scene.ctx(), request)
    until(lambda: len(scene.merchant.notices) == 2)
    good = 0
    for notice in scene.merchant.notices:
        try:
            read(scene, notice)
        except WebhookRefused:
            continue
        good += 1
    assert good == 1


FORGED: dict[str, Callable[[Any], WebhookRequest]] = {
    "no signature": lambda s: posted(TRUE, ""),
    "wrong signature": lambda s: posted(TRUE, "0" * 32),
    "upper case": lambda s: posted(TRUE, sign(TRUE, key(s)).upper()),
    "another key": lambda s: posted(TRUE, sign(TRUE, "another")),
    "no letters of ours": lambda s: posted(TRUE, "签名"),
    "another state": lambda s: posted({**TRUE, "status": "2"}, sign(TRUE, key(s))),
    "another order": lambda s: posted({**TRUE, "item_trade_no": "1c"}, sign(TRUE, key(s))),
    "a field more": lambda s: posted({**TRUE, "more": "1"}, sign(TRUE, key(s))),
    "a field less": lambda s: posted({"item_trade_no": f"{NO}c"}, sign(TRUE, key(s))),
    "a field twice": lambda s: signed(s, TRUE, body=urlencode(TRUE).encode() + b"&status=1"),
    "in the address": lambda s: signed(s, TRUE, query="status=1"),
    "a question": lambda s: signed(s, TRUE, method="GET"),
    "nothing": lambda s: signed(s, {}),
    "an odd name": lambda s: signed(s, {**TRUE, "a[b]": "1"}),
    "names shifted": lambda s: signed(s, TRUE, body=b"contents=A----B%26item_trade_no%3D1c"),
    "no UTF-8": lambda s: signed(s, TRUE, body=b"item_trade_no=%ff"),
    "no number of ours": lambda s: signed(s, {**TRUE, "item_trade_no": "ABC"}),
    "our own request": lambda s: signed(s, {"sku_id": "1", "quantity": "1", "trade_no": f"{NO}c"}),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_notice_is_refused(scene: Any, how: str) -> None:
    with pytest.raises(WebhookRefused):
        read(scene, FORGED[how](scene))


def test_what_the_tests_sign_is_what_goes_over_the_line() -> None:
    assert dict(parse_qsl(posted(TRUE, "").body.decode())) == TRUE
