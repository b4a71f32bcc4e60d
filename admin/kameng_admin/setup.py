"""Puts the console together: one Flask-Admin, our theme, every view behind the guard."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask
from flask_admin import Admin

from kameng.web import audiences
from kameng.web.headers import csp_nonce
from kameng_admin import gate
from kameng_admin.base.actions import typed
from kameng_admin.base.cells import joined_cell
from kameng_admin.shell import EXTENSION
from kameng_admin.stories import account_text, signed_money, transfer_text
from kameng_admin.theme import ConsoleTheme, init_theme
from kameng_admin.views import all_views, home_view
from kameng_admin.words import step_word

URL = "/admin"


def init_app(app: Flask) -> None:
    """Add the main station's console to the application, at /admin/ on the main host only."""
    # Templates first: Flask-Admin's own blueprints would offer their Bootstrap 4 ones.
    own = Blueprint("admin_theme", __name__, template_folder="templates")
    audiences.register(app, own, "main")
    audiences.register(app, gate.blueprint, "main")
    init_theme(app)
    app.jinja_env.globals.update(
        account_text=account_text,
        joined_cell=joined_cell,
        signed_money=signed_money,
        step_word=step_word,
        transfer_text=transfer_text,
        typed=typed,
    )
    views = [home_view(), *all_views()]
    app.extensions[EXTENSION] = views
    _admin(app, views)


def _admin(app: Flask, views: list[Any]) -> Admin:
    for view in views:
        audiences.claim(app, view.endpoint, "main")
    admin = Admin(
        app,
        name="Kameng",
        url=URL,
        index_view=views[0],
        theme=ConsoleTheme(),
        csp_nonce_generator=csp_nonce,
    )
    admin.add_views(*views[1:])
    return admin
