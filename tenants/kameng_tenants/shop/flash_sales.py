"""秒杀: a page for each flash sale, where a member buys one piece from the balance at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, g, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.catalog import api as catalog
from kameng.errors import DomainError, NotFound
from kameng.ledger import api as ledger
from kameng.orders import api as orders
from kameng.promotions import api as promotions
from kameng.risk import api as risk
from kameng.web import client_ip
from kameng_tenants.shop import blueprint, forms, keys, product
from kameng_tenants.shop.forms import by_field
from kameng_tenants.shop.paying import order_address
from kameng_tenants.shop.problems import Problem
from kameng_tenants.themes import render_page


@dataclass(frozen=True, slots=True)
class _Shown:
    """What stands on the page beside the sale itself."""

    inputs: dict[str, str]
    errors: dict[str, str]
    key: str = ""
    problem: Problem | None = None
    status: int = 200


@blueprint.get("/flash/<sale_no>")
def flash_sale(sale_no: str) -> Response:
    """The sale: price, what is left, time, and how to get a unit."""
    return _page(_sale(sale_no), _Shown({}, {}))


@blueprint.post("/flash/<sale_no>")
def buy_in_flash_sale(sale_no: str) -> Response | BaseResponse:
    """Buy one piece from the balance; who is no member signs in first."""
    sale = _sale(sale_no)
    if g.viewer.kind != "member":
        return redirect(f"/login?next=/flash/{sale.sale_no}", 303)
    given = forms.read_choice(request.form).inputs
    inputs, errors = catalog.validate_inputs(sale.product_id, given)
    if request.form.get("agree") != "1":
        errors = {**errors, "agree": _("请先同意购买须知")}
    key = forms.read_key(request.form.get("key"))
    if errors:
        return _page(sale, _Shown(dict(given), dict(errors), key, status=422))
    try:
        placed = _buy(sale, inputs, key)
    except DomainError as refusal:
        problem = Problem("bad", str(refusal.message), _("没有扣款。"))
        return _page(sale, _Shown(dict(inputs), {}, key, problem, refusal.status))
    response = redirect(order_address(placed.order_no, placed.secret), 303)
    keys.remember(response, placed.order_no, placed.secret)  # type: ignore[arg-type]  # Flask's
    return response


def _buy(sale: promotions.SaleView, inputs: dict[str, str], key: str) -> orders.Placed:
    member, contact = int(g.viewer.id), str(g.viewer.login)
    decision = risk.assess_order(
        station_id=g.station.id, kind=sale.kind, ip=client_ip(), member_id=member,
        contact=contact, amount=sale.price,
        facts={"sku": sale.sku_code, "quantity": 1, "flash_sale": sale.sale_no}, event_id=key,
    )  # fmt: skip
    if decision[0] == "block":
        raise DomainError(
            "risk_blocked", _("这笔订单没有通过安全检查，没有下单。请联系客服。"), 403
        )
    wanted = orders.PlaceRequest(
        sku_code=sale.sku_code, quantity=1, inputs=inputs, contact=contact,
        expected_payable=payable(sale), idempotency_key=key, ip=client_ip(), member_id=member,
        flash_sale=sale.sale_no,
    )  # fmt: skip
    return promotions.buy_at_once(wanted, decision)


def payable(sale: promotions.SaleView) -> int:
    """What one piece costs now: a normal price that has fallen below the sale's counts instead."""
    return (min(sale.price, sale.normal_price) + 50) // 100 * 100


def _sale(sale_no: str) -> promotions.SaleView:
    if not promotions.is_sale_number(sale_no):
        raise NotFound("flash_unknown")
    return promotions.sale(sale_no)


def _page(sale: promotions.SaleView, shown: _Shown) -> Response:
    view: Any = product.product_by_slug(sale.product_slug)
    member = g.viewer.kind == "member"
    return render_page(
        "shop/flash.html",
        shown.status,
        page_title=_("秒杀"),
        back=f"/p/{sale.product_slug}",
        sale=sale,
        product=view,
        inputs=shown.inputs,
        errors=by_field(shown.errors),
        problem=shown.problem,
        key=shown.key or forms.new_key(),
        payable=payable(sale),
        balance=ledger.wallet(g.viewer.id) if member else 0,
    )
