"""Language of a page: Chinese always, English only when somebody asks for it."""

from __future__ import annotations

from flask import Flask, Response, g, has_request_context, request
from flask_babel import Babel

from kameng.settings import Settings
from kameng.web import kept_pages

DEFAULT = "zh_Hans_CN"
COOKIE = "km_lang"
YEAR_S = 365 * 24 * 3600

# By hand: Babel's own negotiation turns zh-CN into English when only zh_Hans_CN is offered.
_NAMES = {
    **dict.fromkeys(("zh", "zh_cn", "zh_hans", "zh_hans_cn", "zh_sg"), DEFAULT),
    **dict.fromkeys(("en", "en_us", "en_gb"), "en"),
}


def known_locale(name: str | None) -> str | None:
    """Our name of a language tag in any usual spelling, or None."""
    return _NAMES.get(name.strip().replace("-", "_").lower()) if name else None


def current_locale() -> str:
    """`zh_Hans_CN` or `en`: the choice in the address, else the cookie, else Chinese."""
    chosen = g.get("locale") if g else None  # a short way has said so beforehand
    if chosen is None:
        if not has_request_context():
            return DEFAULT
        asked = known_locale(request.args.get("lang"))
        chosen = asked or known_locale(request.cookies.get(COOKIE)) or DEFAULT
        g.locale, g.locale_asked = chosen, asked
    return str(chosen)


def init_i18n(app: Flask, settings: Settings) -> None:
    """Flask-Babel with our own choice of language; texts are gettext with Chinese msgids."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "locales"
    app.config["BABEL_DEFAULT_LOCALE"] = DEFAULT
    Babel(app, locale_selector=current_locale, default_timezone=settings.timezone)
    kept_pages.allow_cookie(app, COOKIE, {*_NAMES.values()})
    app.after_request(_remember_choice)


def _remember_choice(response: Response) -> Response:
    if "lang" not in request.args:
        return response
    current_locale()
    asked = g.get("locale_asked")
    if asked and request.cookies.get(COOKIE) != asked:
        response.set_cookie(COOKIE, asked, max_age=YEAR_S, samesite="Lax", httponly=True)
    return response
