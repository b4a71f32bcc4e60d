"""Settings that cannot work."""

from typing import Any

import pytest

from kameng_sdk.errors import Misconfigured


@pytest.mark.parametrize(
    "changes",
    [
        {"api_v3_key": "short"},
        {"api_v3_key": "签" * 32},
        {"merchant_private_key": "not a key"},
        {"public_key": ""},
        {"public_key_id": ""},
        {"public_key_id": "0119"},
        {"public_key": "not a key"},
        {"platform_certificates": "not a certificate"},
        {"public_key": "", "public_key_id": "", "platform_certificates": ""},
        {"fee_bp": 10_000},
    ],
)
def test_an_unusable_configuration_is_refused(scene: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        scene.provider(**changes)
