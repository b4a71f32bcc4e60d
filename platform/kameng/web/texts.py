"""gettext as pages call it, a hundred times each: found once for a language, then remembered.

The same texts as Flask-Babel's functions give, which look for the language at every call.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from gettext import NullTranslations
from typing import Any, TypeVar, cast

import flask_babel
from flask import has_request_context
from flask.globals import app_ctx
from markupsafe import Markup

from kameng.web.i18n import current_locale

T = TypeVar("T")
EXTENSION = "kameng.texts"
MOST = 4_096  # there are some three thousand


class _Texts:
    """One language: its catalogue, and whole texts as templates want them."""

    def __init__(self, locale: str, catalogue: NullTranslations) -> None:
        self.locale = locale
        self.catalogue = catalogue
        self.safe: dict[str, Markup] = {}
        self.made: dict[Hashable, Any] = {}

    def safe_text(self, text: str) -> Markup:
        """A text without values."""
        found = self.safe.get(text)
        if found is None:
            if len(self.safe) >= MOST:
                self.safe.clear()
            # A format even so, as in Jinja's own: `100%%` reads `100%`.
            found = self.safe[text] = Markup(self.catalogue.gettext(text)) % {}
        return found


def gettext(text: str, **values: Any) -> str:
    """The text in the page's language with its values put in, as `flask_babel.gettext`."""
    if not has_request_context():
        return str(flask_babel.gettext(text, **values))
    found = _texts().catalogue.gettext(text)
    return found % values if values else found


def safe_gettext(text: str, **values: Any) -> Markup:
    """The same for templates: a safe text, its values escaped."""
    if not has_request_context():
        return Markup(flask_babel.gettext(text)) % values
    if not values:
        return _texts().safe_text(text)
    return Markup(_texts().catalogue.gettext(text)) % values


def made_once(name: Hashable, make: Callable[[], T]) -> T:
    """What `make` makes of texts in the page's language, under a name: the first time only."""
    known = _texts().made
    if name not in known:
        known[name] = make()
    found: T = known[name]
    return found


def _texts() -> _Texts:
    context = cast(
        Any, app_ctx
    )._get_current_object()  # once: each look through a proxy costs as much again
    found: _Texts | None = context.g.get("texts")
    if found is None or found.locale != context.g.get("locale"):
        known: dict[str, _Texts] = context.app.extensions.setdefault(EXTENSION, {})
        locale = current_locale()
        if locale not in known:
            known[locale] = _Texts(locale, flask_babel.get_translations())
        found = context.g.texts = known[locale]
    return found
