"""The document of the native API: OpenAPI 3.1 for programs, a page for people; both public."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, render_template, request
from flask_babel import refresh

from kameng.openapi.views.document import build, page
from kameng.openapi.views.document.source import Language
from kameng.web.i18n import COOKIE, current_locale, known_locale

FRESH_S = 300


def register(blueprint: Blueprint) -> None:
    """Put both addresses on the blueprint of the API."""
    blueprint.add_url_rule("/api/v1/openapi.json", "document", document, merge_slashes=False)
    blueprint.add_url_rule("/api/v1/docs", "docs", docs, merge_slashes=False)


def document() -> Response:
    """The OpenAPI document, for the host it was asked at."""
    answer = jsonify(build.document(_language(), request.host_url))
    answer.headers["Cache-Control"] = f"public, max-age={FRESH_S}"
    return _varying(answer)


def docs() -> Response:
    """The page; it needs no script."""
    language = _language()
    shown = page.context(language, request.host_url)
    return _varying(Response(render_template("openapi/docs.html", language=language, **shown)))


def _language() -> Language:
    """As everywhere by address or cookie; without either by what the browser prefers."""
    current_locale()
    if not g.locale_asked and not known_locale(request.cookies.get(COOKIE)):
        g.locale = known_locale(request.accept_languages.best_match(["zh", "en"])) or g.locale
        refresh()
    return "en" if g.locale == "en" else "zh"


def _varying(answer: Response) -> Response:
    answer.vary.update(["Accept-Language", "Cookie"])
    return answer
