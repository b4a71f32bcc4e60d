"""Settings that cannot work are refused before anything is sent."""

from typing import Any

import pytest

from kameng_payment_alipay.account import LIVE_URL, SANDBOX_URL
from kameng_payment_alipay.certificates import serial_of_roots
from kameng_payment_alipay.signing import BadKey, load_private_key, public_text
from kameng_sdk.errors import Misconfigured
from kameng_sdk.payments import PaymentCapability

WRONG: dict[str, dict[str, Any]] = {
    "no application": {"app_id": None},
    "no private key": {"private_key": None},
    "garbage as key": {"private_key": "garbage"},
    "garbage as public key": {"alipay_public_key": "garbage"},
    "one certificate of three": {"alipay_root_cert": None},
    "garbage as certificate": {"app_cert": "garbage"},
    "an unknown method": {"methods": "page,face"},
    "a method twice": {"methods": "page,page"},
    "a fee of everything": {"fee_bp": 10_000},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_what_cannot_work_is_refused(scene: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        scene.provider(**changes)


def test_a_plain_public_key_does_not_go_with_certificates(scene: Any) -> None:
    key = public_text(load_private_key(scene.simulator._keys.alipay_private))
    with pytest.raises(Misconfigured, match="go together"):
        scene.provider(alipay_public_key=key)
    assert scene.provider(alipay_public_key=key, app_cert="", alipay_root_cert="")


def test_without_an_address_it_is_alipay_itself_or_its_sandbox(scene: Any) -> None:
    live, sandbox = scene.provider(gateway_url=""), scene.provider(gateway_url="", sandbox=True)
    assert live._account.gateway_url == LIVE_URL
    assert sandbox._account.gateway_url == SANDBOX_URL
    assert not live.capabilities & PaymentCapability.TEST_MODE
    assert sandbox.capabilities & PaymentCapability.TEST_MODE


def test_only_signed_up_ways_are_offered(scene: Any) -> None:
    provider = scene.provider(methods="qr")
    assert [method.code for method in provider.methods()] == ["qr"]
    assert not provider.capabilities & PaymentCapability.REDIRECT


def test_roots_without_rsa_are_no_roots() -> None:
    with pytest.raises(BadKey):
        serial_of_roots("garbage")
