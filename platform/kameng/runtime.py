"""What every context may ask of the running application."""

from __future__ import annotations

from typing import Any, cast

from flask import Flask
from flask.ctx import AppContext
from flask.globals import _cv_app, app_ctx

from kameng.settings import Settings

KEY = "kameng.settings"


def init_runtime(app: Flask, settings: Settings) -> None:
    """Remember the settings of this application."""
    app.extensions[KEY] = settings


class ShortContext(AppContext):
    """An application context for the short ways: nobody is told that it opens and closes.

    Nothing of ours ends with it; sessions end with their scope.
    """

    def push(self) -> None:
        """Open it."""
        self._cv_tokens.append(_cv_app.set(self))

    def pop(self, exc: BaseException | None = None) -> None:
        """Close it."""
        _cv_app.reset(self._cv_tokens.pop())


def application_context() -> AppContext:
    """The open one, where Flask keeps it: its proxies cost many times that. Raises as they do."""
    try:
        return _cv_app.get()
    except LookupError:
        return app_ctx._get_current_object()  # type: ignore[attr-defined, no-any-return]  # raises


def extensions() -> dict[str, Any]:
    """What the parts of the current application keep; needs an application context."""
    return application_context().app.extensions


def current_settings() -> Settings:
    """Settings of the current application; needs an application context."""
    return cast(Settings, extensions()[KEY])
