"""One sandboxed Jinja environment per theme.

Jinja caches compiled templates by name, so two themes that shared an environment would show each
other's pages. Templates missing in a theme come from the base theme.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import flask_babel
from flask import Flask, Response, current_app, g, make_response, request
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined

from kameng.web import globals as web_globals
from kameng.web.compiled import Compiled
from kameng.web.texts import safe_gettext
from kameng_tenants.themes import cards, wording
from kameng_tenants.themes.contrast import Accent, accent_set
from kameng_tenants.themes.covers import cover
from kameng_tenants.themes.manifest import Theme, read_theme
from kameng_tenants.themes.sandbox import Sandbox

EXTENSION = "kameng_tenants.themes"
HERE = Path(__file__).parent
BASE = HERE / "base" / "templates"
DEFAULT = "qing"
COMPILED = Compiled()  # most pages of a theme are the base theme's
MODE_COOKIE = "km_mode"
# What every page may leave out; any other missing name is a mistake and raises.
DEFAULTS = {"query": "", "back": "/"}
__all__ = [
    "Theme", "active_theme", "add_global", "init_themes", "render", "render_page", "theme_choices",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Loaded:
    theme: Theme
    environment: Sandbox


def init_themes(app: Flask) -> None:
    """Read every theme folder once and give each its environment."""
    folders = [path.parent for path in sorted(HERE.glob("*/theme.toml"))]
    themes = [read_theme(folder) for folder in folders]
    app.extensions[EXTENSION] = {
        theme.id: _Loaded(theme, _environment(app, theme)) for theme in themes
    }


def add_global(app: Flask, name: str, value: Any) -> None:
    """Give every theme a further function (for what the themes themselves must not import)."""
    for loaded in app.extensions[EXTENSION].values():
        loaded.environment.globals[name] = value
        loaded.environment.trust_globals()


def theme_choices() -> list[Theme]:
    """All themes a tenant may choose."""
    return [loaded.theme for loaded in _loaded().values()]


def active_theme() -> Theme:
    """The theme of the request's station; an unknown one falls back to 晴."""
    return _active().theme


def render(template: str, **context: Any) -> str:
    """Render a template of the station's theme."""
    loaded = _active()
    current_app.update_template_context(context)
    for name, value in DEFAULTS.items():
        context.setdefault(name, value)
    context.update(_theme_context(loaded.theme))
    return loaded.environment.get_template(template).render(context)


def render_page(template: str, status: int = 200, **context: Any) -> Response:
    """A response with the rendered template; it differs by cookie, so shared caches keep off."""
    response = make_response(render(template, **context), status)
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


def _active() -> _Loaded:
    themes = _loaded()
    return themes.get(g.station.theme) or themes[DEFAULT]


def _loaded() -> dict[str, _Loaded]:
    return cast("dict[str, _Loaded]", current_app.extensions[EXTENSION])


def _environment(app: Flask, theme: Theme) -> Sandbox:
    folders = [theme.folder / "templates", BASE]
    environment = Sandbox(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=app.debug,
        bytecode_cache=COMPILED,
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
    environment.trust_globals()
    return environment
