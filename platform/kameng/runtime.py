"""What every context may ask of the running application."""

from __future__ import annotations

from typing import Any, cast

from flask import Flask
from flask.globals import app_ctx

from kameng.settings import Settings

KEY = "kameng.settings"


def init_runtime(app: Flask, settings: Settings) -> None:
    """Remember the settings of this application."""
    app.extensions[KEY] = settings


def current_settings() -> Settings:
    """Settings of the current application; needs an application context."""
    return cast(Settings, current_extensions()[KEY])


def current_extensions() -> dict[str, Any]:
    """What stands ready in the current application; needs an application context.

    Past Flask's proxy: each look through that costs more than most of what is looked for.
    """
    found: dict[str, Any] = app_ctx._get_current_object().app.extensions  # type: ignore[attr-defined]  # werkzeug's
    return found
