"""Ways to pay in words: one way, whatever its gateways call it."""

from __future__ import annotations

import pytest

from kameng_sdk.payments import Device
from kameng_tenants.themes.ways import (
    method_icon,
    method_word,
    not_here,
    pay_app,
    way_hint,
    way_of,
)


@pytest.mark.parametrize(
    ("methods", "word", "app"),
    [
        (("alipay", "page", "wap", "qr"), "支付宝", "支付宝"),
        (("wechatpay", "wxpay", "native", "jsapi", "h5"), "微信支付", "微信"),
        (("unionpay",), "银联", ""),
        (("bank_transfer",), "银行转账", ""),
        (("card", "checkout", "bank"), "银行卡", ""),
        (("balance",), "余额", ""),
    ],
)
def test_all_methods_of_a_way_share_its_words(
    methods: tuple[str, ...], word: str, app: str
) -> None:
    assert {way_of(method) for method in methods} == {methods[0]}
    assert {method_word(method, "标签") for method in methods} == {word}
    assert {pay_app(method) for method in methods} == {app}
    assert all(method_icon(method) for method in methods)


def test_an_unknown_method_keeps_what_its_plugin_says() -> None:
    assert (method_word("moon", "月亮付"), method_word("moon"), method_word("")) == (
        "月亮付", "moon", "—",
    )  # fmt: skip
    assert method_icon("moon", "star") == "star"
    assert (pay_app("moon"), way_hint("moon", Device.PHONE, "慢慢付")) == ("", "慢慢付")
    assert not_here("moon", Device.WECHAT) == ""


def test_the_hint_fits_the_device() -> None:
    hints = {device: str(way_hint("jsapi", device)) for device in Device}
    assert hints == {
        Device.DESKTOP: "用手机微信扫码付款", Device.PHONE: "打开微信付款",
        Device.WECHAT: "直接用微信付款", Device.ALIPAY: "打开微信付款",
    }  # fmt: skip
    assert str(way_hint("unionpay", Device.DESKTOP)) == "到银联付款页，支持各家银行卡"
    assert "人工确认" in str(way_hint("bank_transfer", Device.WECHAT))


def test_neither_app_opens_the_others_payments() -> None:
    assert not_here("wap", Device.WECHAT)
    assert not_here("wxpay", Device.ALIPAY)
    for method, device in (
        ("alipay", Device.ALIPAY), ("h5", Device.WECHAT), ("unionpay", Device.WECHAT),
        ("bank_transfer", Device.ALIPAY), ("alipay", Device.PHONE),
    ):  # fmt: skip
        assert not_here(method, device) == ""
