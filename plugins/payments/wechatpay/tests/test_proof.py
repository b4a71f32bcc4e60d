"""Who signed it: both kinds of platform key, the change between them, and what proves nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kameng_sdk.errors import (
    Declined,
    HttpOutcomeUnknown,
    WebhookRefused,
)
from kameng_sdk.outcomes import Outcome

Wait = Callable[..., Any]
KEY_MODES = {
    "public_key": {"platform_certificates": ""},
    "certificate": {"public_key_id": "", "public_key": ""},
}


@pytest.mark.parametrize("mode", KEY_MODES)
def test_either_kind_of_platform_key_serves_alone(scene: Any, until: Wait, mode: str) -> None:
    number, provider = f"keys-{mode}", scene.provider(**KEY_MODES[mode])
    scene.settings(sign_with=mode)
    provider.charge(scene.ctx(), scene.request(number))
    scene.control(number, "pay")
    until(lambda: scene.merchant.notices)
    assert scene.read(provider, scene.merchant.notices[0]).attempt_no == number
    assert provider.query(scene.ctx(), number, "").outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("mode", KEY_MODES)
def test_a_notice_signed_by_the_key_not_configured_is_refused(
    scene: Any, until: Wait, mode: str
) -> None:
    (other,) = KEY_MODES.keys() - {mode}
    scene.settings(sign_with=other)
    scene.paid(f"other-{mode}")
    until(lambda: scene.merchant.notices)
    with pytest.raises(WebhookRefused, match="unknown serial"):
        scene.read(scene.provider(**KEY_MODES[mode]), scene.merchant.notices[0])


def test_while_changing_over_notices_of_both_keys_are_believed(scene: Any, until: Wait) -> None:
    scene.settings(sign_with="rotate")
    provider = scene.open("changing")
    scene.control("changing", "pay", times=8)
    until(lambda: len(scene.merchant.notices) == 8)
    serials = {notice.header("wechatpay-serial")[:11] for notice in scene.merchant.notices}
    assert len(serials) == 2
    assert len({scene.read(provider, n).event_id for n in scene.merchant.notices}) == 1


@pytest.mark.parametrize(
    ("manner", "reason"),
    [("wrong", "wrong signature"), ("signtest", "probe"), ("unknown_serial", "unknown serial")],
)
def test_probes_and_strangers_are_refused(
    scene: Any, until: Wait, manner: str, reason: str
) -> None:
    scene.settings(notice_sign=manner)
    provider = scene.paid(f"probe-{manner}")
    until(lambda: scene.merchant.notices)
    with pytest.raises(WebhookRefused, match=reason):
        scene.read(provider, scene.merchant.notices[0])


def test_an_answer_about_another_app_s_order_is_unknown(scene: Any) -> None:
    scene.paid("other-app")
    result = scene.provider(appid="wx0000000000000000").query(scene.ctx(), "other-app", "")
    assert (result.outcome, result.message) == (Outcome.UNKNOWN, "answer about another order")


@pytest.mark.parametrize("manner", ["wrong", "none"])
def test_an_answer_that_is_not_signed_proves_nothing(scene: Any, manner: str) -> None:
    provider = scene.paid(f"unsigned-{manner}")
    scene.settings(answer_sign=manner)
    refund = scene.refund_of(f"unsigned-{manner}", f"R-unsigned-{manner}")
    for call in (
        lambda: provider.charge(scene.ctx(), scene.request(f"unsigned-{manner}-2")),
        lambda: provider.query(scene.ctx(), f"unsigned-{manner}", ""),
        lambda: provider.cancel(scene.ctx(), f"unsigned-{manner}-2", ""),
        lambda: provider.refund(scene.ctx(), refund),
    ):
        with pytest.raises(HttpOutcomeUnknown, match="WeChat Pay's answer"):
            call()
    scene.settings(answer_sign="right")
    assert provider.query_refund(scene.ctx(), refund).outcome is Outcome.SUCCEEDED


def test_the_test_button_finds_wrong_numbers_and_keys(scene: Any) -> None:
    assert scene.provider().check(scene.ctx()) == ""
    assert "SIGN_ERROR" in scene.provider(mchid="1900000001").check(scene.ctx())
    assert "SIGN_ERROR" in scene.provider(merchant_serial="AB" * 20).check(scene.ctx())
    other = str(scene.simulator.demo_config()["public_key_id"])[:-1] + "X"
    with pytest.raises(HttpOutcomeUnknown, match="unknown serial"):
        scene.provider(public_key_id=other).check(scene.ctx())


def test_calls_with_a_stale_clock_are_refused(scene: Any) -> None:
    scene.clock.moved = timedelta(seconds=-400)
    with pytest.raises(Declined, match="timestamp"):
        scene.charge("clock-1")
