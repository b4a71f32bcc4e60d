"""The application factory of the core; `wsgi.py` adds the faces."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from kameng import web
from kameng.db import init_database
from kameng.redis import init_redis
from kameng.runtime import init_runtime
from kameng.settings import Settings
from kameng.web import audiences
from kameng.web.dispatch import KamengFlask

MAX_UPLOAD_BYTES = 48 * 1024 * 1024  # a sheet of 100 000 cards is a tenth of it
MAX_TEXT_BYTES = 16 * 1024 * 1024  # cards pasted into a text field

# Contexts with addresses of their own, and who these are for.
VIEWS: dict[str, audiences.Audience] = {
    "payments": "webhook", "supply": "webhook", "openapi": "api",
}  # fmt: skip


def create_app(settings: Settings) -> Flask:
    """The core application on a migrated database; opens no connection by itself."""
    app = KamengFlask("kameng", static_folder="web/static", template_folder="web/templates")
    app.config["SECRET_KEY"] = settings.secret_key
    app.config["MAX_CONTENT_LENGTH"] = MAX_UPLOAD_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_TEXT_BYTES
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    init_runtime(app, settings)
    init_database(app, settings)
    init_redis(app, settings)
    web.init(app, settings)
    _register_contexts(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's documented way
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    return app


def _register_contexts(app: Flask) -> None:
    for context, audience in VIEWS.items():
        name = f"kameng.{context}.views"
        if find_spec(f"kameng.{context}") and find_spec(name):
            audiences.register(app, import_module(name).blueprint, audience)
