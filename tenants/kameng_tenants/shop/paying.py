"""Ways to pay as pages offer them, and the start of a payment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import segno
from flask import g, request
from flask_babel import gettext as _
from markupsafe import Markup

from kameng.payments import api as payments
from kameng.web import client_ip
from kameng.web.i18n import current_locale
from kameng_tenants.shop.forms import split_method
from kameng_tenants.themes.wording import method_word

# QQ, bank and others that we do not know by name still have an icon of their plugin.
ICONS = {"alipay": "scan", "wxpay": "message", "balance": "wallet", "card": "credit-card"}


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """One line of the list of ways to pay. `verb` stands on the button."""

    plugin_id: str
    code: str
    label: str
    icon: str
    hint: Any
    enabled: bool
    reason: Any
    verb: str


def method_choices(payable: int, *, wallet: bool = True) -> list[MethodChoice]:
    """Ways to pay an amount here, for this viewer; what the browser cannot do is off with why."""
    member_id = g.viewer.id if wallet and g.viewer.kind == "member" else None
    found = payments.methods(g.station.id, payable, member_id)
    return [_choice(item) for item in found]


def _choice(item: payments.MethodView) -> MethodChoice:
    reason: Any = item.reason
    enabled = item.enabled
    agent = request.headers.get("User-Agent", "")
    if enabled and "MicroMessenger" in agent and item.code == "alipay":
        enabled, reason = False, _("微信里不能用，请在浏览器打开")
    if enabled and "AlipayClient" in agent and item.code == "wxpay":
        enabled, reason = False, _("支付宝里不能用，请在浏览器打开")
    verb = _("余额付") if item.plugin_id == payments.BALANCE else _("%(way)s付", way=item.label)
    return MethodChoice(
        item.plugin_id,
        item.code,
        item.label,
        ICONS.get(item.code, item.icon),
        item.hint,
        enabled,
        reason,
        verb,
    )


def order_address(order_no: str, secret: str) -> str:
    """Where an order is shown, for browsers that keep no cookie as well."""
    return f"/o/{order_no}?k={secret}" if secret else f"/o/{order_no}"


def start_payment(order_no: str, method: str, secret: str) -> str:
    """Pay from the wallet, or open an attempt; returns where to go, "" for the order's page."""
    plugin_id, code = split_method(method)
    if plugin_id == payments.BALANCE:
        if g.viewer.kind != "member":
            raise payments.PaymentRefused("login_required", _("余额付款要先登录"), status=403)
        payments.pay_with_balance(order_no, g.viewer.id)
        return ""
    # The gateway learns the secret only when the browser could not come back without it.
    back = order_address(order_no, "" if request.cookies else secret)
    started = payments.start(
        order_no,
        plugin_id,
        code,
        client_ip(),
        return_url=request.host_url.rstrip("/") + back,
        locale=current_locale(),
    )
    return started.redirect_url


def qr_svg(content: str) -> Markup | None:
    """A QR code as inline SVG; always dark on white, in the dark mode too."""
    if not content:
        return None
    code = segno.make(content, error="m")
    return Markup(code.svg_inline(border=0, scale=4, dark="#0f222b", light="#fff", omitsize=True))


def app_word(method: str) -> str:
    """What the app of a method is called."""
    return method_word(method)
