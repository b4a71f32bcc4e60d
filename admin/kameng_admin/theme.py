"""Our own Flask-Admin theme: Tabler's stylesheet, our templates, no script of Flask-Admin."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, g, request
from flask_admin.theme import Theme

COOKIE = "km_scheme"
SCHEMES = ("light", "dark")
YEAR_S = 365 * 24 * 3600


@dataclass
class ConsoleTheme(Theme):
    """Templates come from this package; none of the shipped Bootstrap 4 ones is reached."""

    folder: str = "kameng"
    base_template: str = "admin/base.html"


def current_scheme() -> str:
    """`light` or `dark`: the reader's choice, else what the system asks for, else light."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in SCHEMES:
        return chosen
    hint = request.headers.get("Sec-CH-Prefers-Color-Scheme", "").strip('"')
    return hint if hint in SCHEMES else "light"


def init_theme(app: Flask) -> None:
    """Ask browsers for the system's colour scheme on console pages."""

    @app.after_request
    def ask_for_scheme(response):  # type: ignore[no-untyped-def]  # Flask's own signature
        if g.get("console_page"):
            response.headers["Accept-CH"] = "Sec-CH-Prefers-Color-Scheme"
            response.vary.add("Sec-CH-Prefers-Color-Scheme")
        return response
