"""Settings that cannot work."""

from typing import Any

import pytest

from kameng_payment_unionpay.simulator.keys import certify, holder, key_pem, new_key
from kameng_sdk.errors import Misconfigured


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"sign_key": "no key"}, "PEM private key"),
        ({"sign_key": None}, "sign_key"),
        ({"mer_id": None}, "mer_id"),
        ({"sign_cert": "no certificate"}, "PEM certificate"),
        ({"sign_cert": ""}, "one certificate"),
        ({"root_cert": ""}, "are needed"),
        ({"middle_cert": ""}, "are needed"),
        ({"fee_bp": 10_000}, "fee_bp"),
    ],
)
def test_settings_that_cannot_work_are_said_in_words(
    scene: Any, changes: dict[str, Any], word: str
) -> None:
    with pytest.raises(Misconfigured, match=word):
        scene.provider(**changes)


def test_keys_and_certificates_must_belong_together(scene: Any) -> None:
    key, name = new_key(), holder("别人")
    with pytest.raises(Misconfigured, match="not the certificate of sign_key"):
        scene.provider(sign_key=key_pem(key))
    other = certify(name, key, name, key)
    with pytest.raises(Misconfigured, match="not of this root"):
        scene.provider(root_cert=other)
    with pytest.raises(Misconfigured, match="one certificate"):
        scene.provider(sign_cert=scene.simulator.demo_config()["sign_cert"] * 2)
