"""One sandboxed Jinja environment per theme and language.

Jinja caches compiled templates by name, so two themes that shared an environment would show each
other's pages, and so would two languages, whose texts are part of what is compiled. Templates
missing in a theme come from the base theme.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

import flask_babel
from flask import Flask, Response, current_app, g, make_response, request
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kameng.web import formats
from kameng.web import globals as web_globals
from kameng.web.assets_manifest import assets_version
from kameng.web.compiled import Compiled
from kameng.web.i18n import current_locale
from kameng.web.texts import safe_gettext
from kameng_tenants.themes import cards, wording
from kameng_tenants.themes.contrast import Accent, accent_set
from kameng_tenants.themes.covers import cover
from kameng_tenants.themes.folding import Folding, Words
from kameng_tenants.themes.manifest import Theme, read_theme
from kameng_tenants.themes.sandbox import Sandbox

EXTENSION = "kameng_tenants.themes"
HERE = Path(__file__).parent
BASE = HERE / "base" / "templates"
DEFAULT = "qing"
MODE_COOKIE = "km_mode"
# What every page may leave out; any other missing name is a mistake and raises.
DEFAULTS = {"query": "", "back": "/"}
__all__ = [
    "Theme", "active_theme", "add_global", "as_page", "init_themes", "render", "render_page",
    "theme_choices",
]  # fmt: skip


@dataclass(slots=True)
class _Themes:
    """Themes by id, what all are given, and environments made so far."""

    by_id: dict[str, Theme]
    globals: dict[str, Any] = field(default_factory=dict)
    # By language: what the themes share, since most pages of a theme are the base theme's.
    compiled: dict[str, Compiled] = field(default_factory=dict)
    environments: dict[tuple[str, str], Sandbox] = field(default_factory=dict)
    assets: int = 0

    def environment(self, app: Flask, theme: Theme) -> Sandbox:
        """The one for the request's language and the assets as they are."""
        locale, assets = current_locale(), assets_version()
        if assets != self.assets:
            self.compiled, self.environments, self.assets = {}, {}, assets
        found = self.environments.get((theme.id, locale))
        if found is None:
            found = _environment(app, theme, self.compiled.setdefault(locale, Compiled()))
            found.globals.update(self.globals)
            found.trust_globals()
            self.environments[theme.id, locale] = found
        return found


def init_themes(app: Flask) -> None:
    """Read every theme folder once."""
    folders = [path.parent for path in sorted(HERE.glob("*/theme.toml"))]
    themes = [read_theme(folder) for folder in folders]
    app.extensions[EXTENSION] = _Themes({theme.id: theme for theme in themes})


def add_global(app: Flask, name: str, value: Any) -> None:
    """Give every theme a further function (for what the themes themselves must not import)."""
    themes: _Themes = app.extensions[EXTENSION]
    themes.globals[name] = value
    themes.environments.clear()


def theme_choices() -> list[Theme]:
    """All themes a tenant may choose."""
    return list(_themes().by_id.values())


def active_theme() -> Theme:
    """The theme of the request's station; an unknown one falls back to 晴."""
    themes = _themes().by_id
    return themes.get(g.station.theme) or themes[DEFAULT]


def render(template: str, **context: Any) -> str:
    """Render a template of the station's theme."""
    theme, app = active_theme(), current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy
    app.update_template_context(context)
    for name, value in DEFAULTS.items():
        context.setdefault(name, value)
    context.update(_theme_context(theme))
    return _themes().environment(app, theme).get_template(template).render(context)


def render_page(template: str, status: int = 200, **context: Any) -> Response:
    """A response with the rendered template."""
    return as_page(render(template, **context), status)


def as_page(text: str, status: int = 200) -> Response:
    """A response with a page; it differs by cookie, so shared caches keep off."""
    response = make_response(text, status)
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response.vary.update(("Cookie", "Host"))
    return response


def accents_in_use(theme: Theme, settings: Mapping[str, Any]) -> dict[str, Accent]:
    """The tenant's accent for each mode of the theme; empty when the theme's own is used."""
    wanted = settings.get("accent")
    if not wanted:
        return {}
    return {mode: accent_set(str(wanted), theme.grounds[mode]) for mode in theme.modes}


def _theme_context(theme: Theme) -> dict[str, Any]:
    settings = theme.values(g.station.theme_settings)
    mode = theme.mode(request.cookies.get(MODE_COOKIE, "auto"))
    return {
        "theme": theme,
        "theme_settings": settings,
        "mode": mode,
        "shown_mode": theme.modes[0] if mode == "auto" else mode,
        "accents": accents_in_use(theme, settings),
    }


def _themes() -> _Themes:
    return cast(_Themes, current_app.extensions[EXTENSION])


def _environment(app: Flask, theme: Theme, compiled: Compiled) -> Sandbox:
    folders = [theme.folder / "templates", BASE]
    environment = Folding(
        FIXED,
        _apart(),
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=app.debug,
        bytecode_cache=compiled,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        flask_babel.gettext,
        flask_babel.ngettext,
        newstyle=True,
        pgettext=flask_babel.pgettext,
        npgettext=flask_babel.npgettext,
    )
    for name in ("url_for", "get_flashed_messages", "request", "session", "g"):
        if name in app.jinja_env.globals:
            environment.globals[name] = app.jinja_env.globals[name]
    web_globals.install(environment)
    environment.globals.update(cover=cover, **wording.GLOBALS, **cards.GLOBALS)
    environment.globals.update(_=safe_gettext, gettext=safe_gettext)
    return environment


@cache
def _apart() -> frozenset[str]:
    """Names of templates that a theme has of its own."""
    return frozenset(
        path.relative_to(folder).as_posix()
        for folder in HERE.glob("*/templates")
        if folder != BASE
        for path in folder.rglob("*.html")
    )


def _safe_pgettext(context: str, text: str) -> Markup:
    return Markup(flask_babel.pgettext(context, text)) % {}


# The same on each page of a language, as long as the assets are: found while compiling.
FIXED: Words = {
    "_": safe_gettext, "gettext": safe_gettext, "pgettext": _safe_pgettext,
    "icon": web_globals.icon, "asset": web_globals.asset, "html_lang": formats.html_lang,
    "current_locale": current_locale,
}  # fmt: skip
