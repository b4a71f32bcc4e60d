"""Find an order again: by number and secret, or because this browser made it."""

from __future__ import annotations

from flask import Response, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.orders import api as orders
from kameng.web import client_ip, limit
from kameng_tenants.shop import blueprint, keys
from kameng_tenants.themes import render_page


@blueprint.get("/orders/lookup")
def lookup() -> Response:
    """The form, and the orders made in this browser."""
    return _form(request.args.get("order_no", ""))


@blueprint.post("/orders/lookup")
def find() -> Response | BaseResponse:
    """One answer for a wrong number and a wrong secret; tries are counted by address."""
    limit("lookup", client_ip(), 20, 300)
    number = "".join(request.form.get("order_no", "").split())[:20]
    secret = "".join(request.form.get("secret", "").replace("-", "").split()).upper()[:40]
    known = number.isascii() and number.isdigit() and bool(secret)
    if not (known and orders.check_secret(number, secret)):
        typed = request.form.get("secret", "").strip()[:40]
        return _form(number, typed, _("没有找到这张订单，请核对订单号和查询码。"), 422)
    response = redirect(f"/o/{number}?k={secret}", 303)
    keys.remember(response, number, secret)  # type: ignore[arg-type]  # Flask's own
    return response


def _form(given: str, secret: str = "", error: str = "", status: int = 200) -> Response:
    kept = keys.remembered()
    recent = [
        order
        for order in orders.orders_by_numbers(list(kept)[::-1])
        if orders.check_secret(order.order_no, kept[order.order_no])
    ]
    response = render_page(
        "order/lookup.html",
        status,
        given=given[:30],
        secret=secret,
        error=error,
        recent=recent,
    )
    response.headers["Cache-Control"] = "no-store"
    return response
