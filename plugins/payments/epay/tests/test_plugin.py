"""What the provider says of itself: its wallets, and what it cannot do."""

from datetime import date
from typing import Any

import pytest

from kameng_sdk.errors import CapabilityNotSupported
from kameng_sdk.payments import Device, PaymentCapability


def test_wallets_keep_out_of_each_others_browser_and_name_what_they_are(scene: Any) -> None:
    methods = {m.code: m for m in scene.provider("v2", methods="alipay,wxpay,qqpay").methods()}
    assert {code: m.same_as for code, m in methods.items()} == {
        "alipay": "alipay", "wxpay": "wechatpay", "qqpay": "",
    }  # fmt: skip
    assert Device.WECHAT not in methods["alipay"].devices
    assert Device.ALIPAY not in methods["wxpay"].devices
    for method in (methods["alipay"], methods["wxpay"]):
        assert {Device.DESKTOP, Device.PHONE} < method.devices
    assert not methods["qqpay"].devices, "everywhere"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_list_of_the_newest_orders_is_not_called_a_bill(scene: Any, version: str) -> None:
    provider = scene.provider(version)
    assert PaymentCapability.BILL not in provider.capabilities
    with pytest.raises(CapabilityNotSupported):
        provider.bill(scene.ctx(), date(2026, 3, 1))
