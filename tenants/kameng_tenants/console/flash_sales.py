"""限时秒杀: some units at a low price for a short time; the station bears the difference."""

from __future__ import annotations

from flask import Response, g, make_response, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.promotions import api as promotions
from kameng.web import check_permission, client_ip, flash, require_staff
from kameng_tenants.console import blueprint

LIST = "/console/flash-sales"


@blueprint.get("/flash-sales")
@require_staff("price.view")
def flash_sale_list() -> Response:
    """All sales with their figures, and the form of a new one."""
    return _page({"sku": request.args.get("sku", "")[:100], "units": "10"})


@blueprint.post("/flash-sales")
@require_staff("price.view")
def plan_flash_sale() -> Response | BaseResponse:
    """Plan one; what is wrong is said at its field."""
    check_permission("price.edit")
    given = {name: value[:100] for name, value in request.form.items()}
    try:
        promotions.plan_sale(promotions.read_terms(given), g.viewer.actor, client_ip())
    except promotions.SaleInvalid as refusal:
        return _page(given, {str(refusal.facts["field"]): str(refusal.message)}, 422)
    flash(_("已安排，到时间自动开始和结束。"), "success")
    return redirect(LIST, 303)


@blueprint.post("/flash-sales/<sale_no>/close")
@require_staff("price.view")
def close_flash_sale(sale_no: str) -> BaseResponse:
    """End one that runs, cancel one that has not begun."""
    check_permission("price.edit")
    try:
        state = promotions.close_sale(sale_no[:20], g.viewer.actor, client_ip())
        flash(_("秒杀已取消。") if state == "cancelled" else _("秒杀已结束。"), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect(LIST, 303)


def _page(
    given: dict[str, str], errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    body = render_template(
        "station_console/flash_sales.html",
        sales=promotions.all_sales(),
        given=given,
        errors=errors or {},
        may_edit=g.viewer.can("price.edit"),
        labels=promotions.LABELS,
        tones=promotions.TONES,
    )
    return make_response(body, status)
