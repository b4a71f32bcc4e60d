"""What is on the shelf, and at which price."""

from __future__ import annotations

from flask import g, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.pricing import api as pricing
from kameng.web import check_permission, client_ip, flash, require_staff, safe_next
from kameng_tenants.console import blueprint
from kameng_tenants.shop.browse import page_number
from kameng_tenants.shop.forms import yuan


@blueprint.get("/listings")
@require_staff("price.view")
def listing_list() -> str:
    """All offers, 50 to a page."""
    query = request.args.get("q", "").strip()[:60]
    page = page_number()
    rows = pricing.station_listings(g.station.id, query, page)
    return render_template("station_console/listings.html", rows=rows, query=query, page=page)


@blueprint.post("/listings/<int:sku_id>")
@require_staff("price.view")
def change_listing(sku_id: int) -> BaseResponse:
    """On or off the shelf, an own price, or the price by rule again."""
    check_permission("price.edit")
    deed = request.form.get("deed", "")
    try:
        message = _change(sku_id, deed)
        identity.audit(g.viewer.actor, f"listing.{deed}", f"sku:{sku_id}", {}, client_ip())
        flash(message, "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect(safe_next(request.form.get("back"), "/console/listings"), 303)


def _change(sku_id: int, deed: str) -> str:
    station_id = g.station.id
    if deed in ("on", "off"):
        pricing.set_listing_active(station_id, sku_id, deed == "on")
        return str(_("已上架，买家现在就能看到。") if deed == "on" else _("已下架。"))
    if deed == "rule":
        pricing.set_fixed_price(station_id, sku_id, None)
        return str(_("已改为按规则定价，几秒后生效。"))
    price = yuan(request.form.get("price"))
    if deed != "price" or not price:
        raise DomainError("price_refused", _("请填写售价，例如 95.50"))
    pricing.set_fixed_price(station_id, sku_id, price)
    return str(_("售价已保存，几秒后生效。"))
