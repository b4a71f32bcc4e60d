"""Ways to pay as pages offer them, and the start of a payment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import segno
from flask import g, request
from flask_babel import gettext as _
from markupsafe import Markup

from kameng.ledger import api as ledger
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.web.formats import plain_money
from kameng_tenants.shop.device import current_device
from kameng_tenants.shop.forms import split_method
from kameng_tenants.shop.shopper import Shopper, current_shopper
from kameng_tenants.themes.ways import method_icon, method_word, not_here, way_hint


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


def method_choices(
    payable: int, *, wallet: bool = True, purpose: str = "order", **goods: Any
) -> list[MethodChoice]:
    """Ways to pay an amount here, for this viewer; what the browser cannot do is off with why.

    `goods`: `order_no`, or `sku_code` and `quantity`, as `payments.methods` takes them.
    """
    member_id = g.viewer.id if wallet and g.viewer.kind == "member" else None
    found = payments.methods(
        g.station.id, payable, member_id, device=current_device(), purpose=purpose, **goods
    )
    # What a person has to confirm comes last: everything else delivers at once.
    return [_choice(item) for item in sorted(found, key=lambda item: item.manual)]


def _choice(item: payments.MethodView) -> MethodChoice:
    reason = item.reason or not_here(item.way, current_device())
    label = method_word(item.way, item.label)
    verb = _("%(way)s付", way=label.removesuffix("支付"))  # not 微信支付付
    if item.plugin_id == payments.BALANCE:
        verb = _("余额付")
    return MethodChoice(
        item.plugin_id,
        item.code,
        label,
        method_icon(item.way, item.icon),
        _hint(item),
        item.enabled and not reason,
        reason,
        verb,
    )


def _hint(item: payments.MethodView) -> Any:
    """What happens after the button; the gateway behind it means nothing to a shopper."""
    if item.plugin_id == payments.BALANCE:
        left = plain_money(ledger.wallet(g.viewer.id), 2)
        return _("可用 ¥%(x)s · 付完立刻处理", x=left)
    return way_hint(item.way, current_device(), item.hint)


def order_address(order_no: str, secret: str) -> str:
    """Where an order is shown, for browsers that keep no cookie as well."""
    return f"/o/{order_no}?k={secret}" if secret else f"/o/{order_no}"


def start_payment(
    order_no: str, method: str, secret: str, payer: str = "", *, shopper: Shopper | None = None
) -> str:
    """Pay from the wallet, or open an attempt; returns where to go, "" for the order's page."""
    shopper = shopper or current_shopper()
    plugin_id, code = split_method(method)
    if plugin_id == payments.BALANCE:
        if shopper.member_id is None:
            raise payments.PaymentRefused("login_required", _("余额付款要先登录"), status=403)
        payments.pay_with_balance(order_no, shopper.member_id)
        return ""
    # The gateway learns the secret only when the browser could not come back without it.
    kept = "" if shopper.cookies else secret
    if not payer and (away := _ask_payer(order_no, method, kept, shopper)):
        return away
    started = payments.start(
        order_no, plugin_id, code, shopper.ip,
        return_url=shopper.shop + back_address(order_no, kept),
        locale=shopper.locale, device=shopper.device, payer=payer,
    )  # fmt: skip
    return next_step(started, go_address(order_no, secret))


def go_on(checkout: payments.Checkout, method: str, shopper: Shopper) -> str:
    """The first payment of an order that was placed a moment ago; returns as `start_payment`."""
    order_no, secret = checkout.placed.order_no, checkout.placed.secret
    if checkout.option is None:
        return start_payment(order_no, method, secret, shopper=shopper)
    return next_step(
        payments.pay(checkout, visit_of(shopper, order_no, secret)), go_address(order_no, secret)
    )


def visit_of(shopper: Shopper, order_no: str, secret: str) -> payments.Visit:
    """This visit, as the payment of an order wants to know it."""
    kept = "" if shopper.cookies else secret
    return payments.Visit(
        client_ip=shopper.ip, locale=shopper.locale, device=shopper.device,
        return_url=shopper.shop + back_address(order_no, kept),
    )  # fmt: skip


def _ask_payer(order_no: str, method: str, kept: str, shopper: Shopper) -> str:
    if not payments.needs_payer(*split_method(method)):
        return ""
    query = {"m": method} | ({"k": kept} if kept else {})
    amount = orders.order_page(order_no).payable
    back = f"/o/{order_no}/payer?{urlencode(query)}"
    return ask_payer(order_no, method, amount, back, shopper=shopper)


def ask_payer(
    bound_to: str, method: str, amount: int, back: str, *, purpose: str = "order",
    shopper: Shopper | None = None,
) -> str:  # fmt: skip
    """The gateway's page that learns who pays, for a way that wants to know; else nothing.

    `bound_to` and `purpose` as `payments.payer_url` takes them; `back` is our path to come back to.
    """
    plugin_id, code = split_method(method)
    if not payments.needs_payer(plugin_id, code, purpose=purpose):
        return ""
    shopper = shopper or current_shopper()
    return payments.payer_url(
        bound_to, plugin_id, code, shopper.shop + back, amount=amount,
        device=shopper.device, purpose=purpose,
    )  # fmt: skip


def payer_of(bound_to: str, method: str, *, purpose: str = "order") -> str:
    """What the gateway says of who came back in this request: a token to start with."""
    plugin_id, code = split_method(method)
    return payments.payer(
        bound_to, plugin_id, code, request.args.get("state", "")[:100],
        request.args.get("code", "")[:512], purpose=purpose,
    )  # fmt: skip


def back_address(order_no: str, secret: str) -> str:
    """Where the gateway sends the shopper afterwards."""
    return f"/o/{order_no}/back?k={secret}" if secret else f"/o/{order_no}/back"


def next_step(started: payments.Started, go: str) -> str:
    """Where the browser goes with an open attempt: the gateway, the page `go`, or "" to wait."""
    cashier = started.cashier
    if cashier.get("form") or cashier.get("bridge"):
        return go
    return "" if cashier.get("details") else started.redirect_url


def go_address(order_no: str, secret: str) -> str:
    """The page between shop and gateway, for browsers that keep no cookie as well."""
    return f"/o/{order_no}/go?k={secret}" if secret else f"/o/{order_no}/go"


def qr_svg(content: str) -> Markup | None:
    """A QR code as inline SVG; always dark on white, in the dark mode too."""
    if not content:
        return None
    code = segno.make(content, error="m")
    return Markup(code.svg_inline(border=0, scale=4, dark="#0f222b", light="#fff", omitsize=True))
