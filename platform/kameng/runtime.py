"""What every context may ask of the running application."""

from __future__ import annotations

from typing import Any, cast

from flask import Flask
from flask.ctx import AppContext
from flask.globals import app_ctx

from kameng.settings import Settings

KEY = "kameng.settings"


def init_runtime(app: Flask, settings: Settings) -> None:
    """Remember the settings of this application."""
    app.extensions[KEY] = settings


def application_context() -> AppContext:
    """The open one, once for several looks: each through Flask's proxies costs six of these."""
    return app_ctx._get_current_object()  # type: ignore[attr-defined, no-any-return]  # werkzeug's


def extensions() -> dict[str, Any]:
    """What the parts of the current application keep; needs an application context."""
    return application_context().app.extensions


def current_settings() -> Settings:
    """Settings of the current application; needs an application context."""
    return cast(Settings, extensions()[KEY])
