"""Name, look, notice and contact of the shop."""

from __future__ import annotations

from typing import Any

from flask import Response, g, make_response, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.stations import api as stations
from kameng.web import client_ip, flash, require_staff
from kameng_tenants.console import blueprint
from kameng_tenants.themes import theme_choices
from kameng_tenants.themes.contrast import accent_set, is_colour

CONTACT = ("phone", "email", "wechat", "qq", "hours", "icp")


@blueprint.route("/settings", methods=["GET", "POST"])
@require_staff("station.manage")
def shop_settings() -> Response | BaseResponse:
    """The form; a colour that would not be readable is corrected, and that is said."""
    if request.method == "GET":
        station = g.station
        given = {
            "name": station.name,
            "tagline": station.tagline,
            "notice": station.notice,
            "theme": station.theme,
            "accent": station.theme_settings.get("accent", ""),
            "headline": station.theme_settings.get("headline", ""),
            **{name: station.contact.get(name, "") for name in CONTACT},
        }
        return _page(given)
    given = {name: value.strip()[:500] for name, value in request.form.items()}
    errors = _errors(given)
    if not errors:
        try:
            _save(given)
            return redirect("/console/settings", 303)
        except DomainError as refusal:
            errors = {str(refusal.facts.get("field", "name")): str(refusal.message)}
    return _page(given, errors, 422)


def _errors(given: dict[str, str]) -> dict[str, str]:
    errors = {}
    if given.get("accent") and not is_colour(given["accent"]):
        errors["accent"] = _("颜色写成 #0b746f 这样的六位")
    if given.get("theme") not in {theme.id for theme in theme_choices()}:
        errors["theme"] = _("请选一个主题")
    return errors


def _save(given: dict[str, str]) -> None:
    theme = next(item for item in theme_choices() if item.id == given["theme"])
    accent = given.get("accent", "").lower()
    look: dict[str, Any] = {"accent": accent, "headline": given.get("headline", "")[:60]}
    stations.update_profile(
        g.station.id,
        name=given.get("name", ""),
        tagline=given.get("tagline", ""),
        theme=theme.id,
        theme_settings={**g.station.theme_settings, **look},
        notice=given.get("notice", ""),
        contact={**g.station.contact, **{name: given.get(name, "") for name in CONTACT}},
        actor=g.viewer.actor,
        ip=client_ip(),
    )
    flash(_("已保存，店铺几秒后更新。"), "success")
    if accent and any(accent_set(accent, ground).corrected for ground in theme.grounds.values()):
        flash(_("这个颜色上的文字不够清楚，显示时会自动调深或调浅。"), "warn")


def _page(
    given: dict[str, str], errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    body = render_template(
        "station_console/settings.html", given=given, errors=errors or {}, themes=theme_choices()
    )
    return make_response(body, status)
