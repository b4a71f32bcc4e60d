"""What every context may ask of the running application."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app

from kameng.settings import Settings

KEY = "kameng.settings"


def init_runtime(app: Flask, settings: Settings) -> None:
    """Remember the settings of this application."""
    app.extensions[KEY] = settings


def current_settings() -> Settings:
    """Settings of the current application; needs an application context."""
    return cast(Settings, current_app.extensions[KEY])
