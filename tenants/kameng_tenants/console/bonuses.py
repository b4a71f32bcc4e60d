"""充值赠送: what a member's top-up earns beside itself, paid from the station's prepaid money."""

from __future__ import annotations

from flask import Response, g, make_response, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.ledger import api as ledger
from kameng.payments import api as payments
from kameng.web import check_permission, client_ip, flash, require_staff
from kameng_tenants.console import blueprint
from kameng_tenants.shop.forms import whole

LIST = "/console/bonuses"


@blueprint.get("/bonuses")
@require_staff("price.view")
def bonus_list() -> Response:
    """All rules, and the form of a new or a chosen one."""
    chosen = whole(request.args.get("id"))
    if not chosen:
        return _page({"kind": "fixed", "active": "1"}, 0)
    return _page(payments.written_bonus(payments.get_bonus(g.station.id, chosen)), chosen)


@blueprint.post("/bonuses")
@require_staff("price.view")
def save_bonus() -> Response | BaseResponse:
    """Make a rule or change one; what is wrong is said at its field."""
    check_permission("price.edit")
    given = {name: value[:100] for name, value in request.form.items()}
    rule_id = whole(given.get("id"))
    try:
        terms = payments.read_bonus(given)
        payments.save_bonus(g.station.id, rule_id or None, terms, g.viewer.actor, client_ip())
    except payments.BonusInvalid as refusal:
        error = {str(refusal.facts["field"]): str(refusal.message)}
        return _page(given, rule_id, error, 422)
    flash(_("已保存，买家的充值页马上按它显示。"), "success")
    return redirect(LIST, 303)


@blueprint.post("/bonuses/<int:rule_id>")
@require_staff("price.view")
def change_bonus(rule_id: int) -> BaseResponse:
    """On, off or gone."""
    check_permission("price.edit")
    deed = request.form.get("deed", "")
    try:
        if deed == "delete":
            payments.delete_bonus(g.station.id, rule_id, g.viewer.actor, client_ip())
            flash(_("规则已删除，送过的不受影响。"), "success")
        elif deed in ("on", "off"):
            actor = g.viewer.actor
            payments.switch_bonus(g.station.id, rule_id, deed == "on", actor, client_ip())
            flash(_("规则已启用。") if deed == "on" else _("规则已停用。"), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect(LIST, 303)


def _page(
    given: dict[str, str], rule_id: int, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    body = render_template(
        "station_console/bonuses.html",
        rules=payments.list_bonuses(g.station.id),
        given=given,
        rule_id=rule_id,
        errors=errors or {},
        prepaid=ledger.station_funds(g.station.id)["prepaid"],
        may_edit=g.viewer.can("price.edit"),
        bonus_text=payments.bonus_text,
    )
    return make_response(body, status)
