"""开放接口: which interfaces members' programs may speak here, and the keys that they hold."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Response, abort, g, make_response, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.openapi import api as openapi
from kameng.orders import api as orders
from kameng.web import flash, require_staff
from kameng_tenants.console import blueprint
from kameng_tenants.console.overview import midnight

HERE = "/console/open-api"
DAYS, SIZE = 30, 50


@blueprint.get("/open-api")
@require_staff("openapi.view")
def open_api() -> Response:
    """Switches at the top, then what came by them, then the keys, newest first."""
    return _page()


@blueprint.post("/open-api/switch")
@require_staff("openapi.manage")
def switch_dialect() -> BaseResponse:
    """One interface on or off, at once."""
    dialect = request.form.get("dialect", "")
    if dialect not in openapi.DIALECT_WORDS:
        abort(404)
    enabled = request.form.get("on") == "1"
    openapi.switch_dialect(dialect, enabled, g.viewer.actor)
    name = openapi.DIALECT_WORDS[dialect].name
    said = _("%(name)s已开放", name=name) if enabled else _("%(name)s已关闭，马上生效", name=name)
    flash(said, "success")
    return redirect(HERE, 303)


@blueprint.post("/open-api/<int:key_id>/revoke")
@require_staff("openapi.manage")
def revoke_key(key_id: int) -> BaseResponse:
    """Stop a member's key, with a reason."""
    try:
        reason = " ".join(request.form.get("reason", "").split())[:200]
        if len(reason) < 2:
            raise DomainError("reason_missing", _("请写明原因，会员会问"))
        openapi.revoke_at(g.station.id, key_id, g.viewer.actor, reason)
        flash(_("密钥已停用，用它的请求马上被拒绝"), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect(HERE, 303)


def _page() -> Response:
    keys = openapi.list_keys(before=_moment(request.args.get("before", "")), limit=SIZE)
    body = render_template(
        "station_console/open_api.html",
        switches=openapi.dialect_switches(),
        words=openapi.DIALECT_WORDS,
        insecure=openapi.INSECURE,
        risk=openapi.INSECURE_RISK,
        keys=keys,
        older=keys[-1].created_at.isoformat() if len(keys) == SIZE else "",
        figures=orders.station_figures(midnight() - timedelta(days=DAYS), "api"),
        days=DAYS,
        may_edit=g.viewer.can("openapi.manage"),
    )
    return make_response(body)


def _moment(raw: str) -> datetime | None:
    """The moment in an address; anything else is the beginning."""
    try:
        found = datetime.fromisoformat(raw[:40].replace(" ", "+"))
    except ValueError:
        return None
    return found if found.tzinfo else None
