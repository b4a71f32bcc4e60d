"""Small things of a shop: light and dark, manifest, icon, robots."""

from __future__ import annotations

from flask import Response, g, jsonify, redirect, request
from markupsafe import escape
from werkzeug.wrappers import Response as BaseResponse

from kameng.web import safe_next
from kameng_tenants.shop import blueprint
from kameng_tenants.themes import active_theme
from kameng_tenants.themes.engine import MODE_COOKIE, accents_in_use

YEAR_S = 365 * 24 * 3600


@blueprint.post("/mode")
def mode() -> BaseResponse:
    """Light, dark, or as the system says; kept in a cookie so that the server draws it right."""
    wanted = request.form.get("mode", "")
    response = redirect(safe_next(request.form.get("back")), 303)
    if wanted in ("light", "dark", "auto"):
        response.set_cookie(MODE_COOKIE, wanted, max_age=YEAR_S, samesite="Lax", httponly=True)
    return response


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    """Lets a phone put the shop on its home screen under the shop's own name."""
    theme = active_theme()
    icons = [
        {"src": "/shop-icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": purpose}
        for purpose in ("any", "maskable")
    ]
    response = jsonify(
        name=g.station.name,
        short_name=g.station.name[:12],
        description=g.station.tagline,
        lang="zh-CN",
        start_url="/?from=home",
        scope="/",
        display="standalone",
        background_color=theme.bar_colours[theme.modes[0]],
        theme_color=_accent(),
        icons=icons,
    )
    response.mimetype = "application/manifest+json"
    response.headers["Cache-Control"] = "public, max-age=300"
    response.vary.add("Host")
    return response


@blueprint.get("/shop-icon.svg")
def shop_icon() -> Response:
    """The first character of the shop's name on its colour."""
    letter = escape(g.station.name.strip()[:1] or "K")
    ink = "#131a02" if active_theme().id == "ye" else "#ffffff"
    body = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 192 192">'
        f'<rect width="192" height="192" rx="40" fill="{_accent()}"/>'
        f'<text x="96" y="130" text-anchor="middle" font-family="sans-serif" font-weight="600" '
        f'font-size="96" fill="{ink}">{letter}</text></svg>'
    )
    response = Response(body, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "public, max-age=300"
    response.vary.add("Host")
    return response


def _accent() -> str:
    theme = active_theme()
    mode = theme.modes[0]
    settings = theme.values(g.station.theme_settings)
    own = accents_in_use(theme, settings).get(mode)
    return own.accent if own else theme.accents[mode]
