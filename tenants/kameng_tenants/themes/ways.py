"""Ways to pay in words, keyed by way: several methods of several gateways are one way.

A method that is not known here keeps the label of its plugin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from kameng_sdk.payments import Device


@dataclass(frozen=True, slots=True)
class Way:
    """`app` opens or scans the payment, "" for a web page; hints say what follows the button."""

    word: Any
    icon: str
    app: Any = ""
    hint: Any = ""
    scan: Any = ""  # on a computer
    inside: Any = ""  # in the app's own browser


WAYS: Mapping[str, Way] = {
    "balance": Way(_l("余额"), "wallet"),
    "alipay": Way(
        _l("支付宝"), "scan", _l("支付宝"), _l("打开支付宝付款"), _l("用手机支付宝扫码付款"),
        _l("直接用支付宝付款"),
    ),
    "wechatpay": Way(
        _l("微信支付"), "message", _l("微信"), _l("打开微信付款"), _l("用手机微信扫码付款"),
        _l("直接用微信付款"),
    ),
    "unionpay": Way(
        _l("银联"), "credit-card", hint=_l("到银联付款页，支持各家银行卡")
    ),
    "bank_transfer": Way(
        _l("银行转账"), "building-bank", hint=_l("按页面上的账号转账，人工确认到账")
    ),
    "qqpay": Way(_l("QQ 钱包"), "", _l("QQ"), _l("打开 QQ 付款")),
    "card": Way(_l("银行卡"), "credit-card", hint=_l("到银行卡付款页，支持国际卡")),
}  # fmt: skip
# Methods of the gateways, and what they call a way themselves. An order keeps the method it was
# paid by, so a method that is offered no longer stays here.
WAY_OF: Mapping[str, str] = {
    **dict.fromkeys(("wechat", "wxpay", "native", "jsapi", "h5"), "wechatpay"),
    **dict.fromkeys(("page", "wap", "qr"), "alipay"),
    **dict.fromkeys(("bank", "checkout"), "card"),
}
# Neither app opens the other one's payments in its own browser.
RIVALS = {Device.WECHAT: "alipay", Device.ALIPAY: "wechatpay"}
HOMES = {Device.WECHAT: "wechatpay", Device.ALIPAY: "alipay"}
NOT_HERE = {
    Device.WECHAT: _l("微信里不能用，请在浏览器打开"),
    Device.ALIPAY: _l("支付宝里不能用，请在浏览器打开"),
}


def way_of(method: str) -> str:
    """The way a method is of; an unknown one is its own."""
    return WAY_OF.get(method, method)


def method_word(method: str, label: str = "") -> str:
    """What a way to pay is called; one we do not know keeps the label of its plugin."""
    found = WAYS.get(way_of(method))
    return str(found.word if found else label or method or "—")


def method_icon(method: str, icon: str = "") -> str:
    """Its sign; one we do not know keeps the icon of its plugin."""
    found = WAYS.get(way_of(method))
    return (found.icon if found else "") or icon


def pay_app(method: str) -> str:
    """The app that pays by this method; empty when a web page does."""
    found = WAYS.get(way_of(method))
    return str(found.app) if found else ""


def way_hint(method: str, device: Device, hint: Any = "") -> Any:
    """What happens after the button, on this device; `hint` for one we do not know."""
    found = WAYS.get(way_of(method))
    if found is None:
        return hint
    if HOMES.get(device) == way_of(method) and found.inside:
        return found.inside
    return (found.scan if device is Device.DESKTOP else "") or found.hint or hint


def not_here(method: str, device: Device) -> str:
    """Why it cannot be used in this browser; empty when it can."""
    return str(NOT_HERE[device]) if RIVALS.get(device) == way_of(method) else ""
