"""Composition root: the only file that knows the core and both faces. `gunicorn wsgi:app`."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from flask import Flask
from whitenoise import WhiteNoise  # type: ignore[import-untyped]  # ships no types

from kameng.app import create_app
from kameng.logging import configure_logging
from kameng.ops.runtime import effective_settings
from kameng.plugins.api import init_plugins
from kameng.settings import Settings
from kameng.web.assets_manifest import DIST, URL_PREFIX

FACES = ("kameng_tenants", "kameng_admin")


def build(settings: Settings, dist: Path = DIST) -> Flask:
    """Core, storefronts and console in one application, with the bundles of `dist` in front."""
    application = create_app(settings)
    init_plugins(application, settings)  # before the fork: the first shopper does not wait for it
    for face in FACES:
        if find_spec(face) is not None:
            init = getattr(import_module(face), "init_app", None)
            if init is not None:
                init(application)
    if dist.is_dir():
        application.wsgi_app = WhiteNoise(  # type: ignore[method-assign]  # Flask's documented way
            application.wsgi_app,
            root=str(dist),
            prefix=URL_PREFIX,
            # Names of bundles carry a hash of the content: they never change.
            immutable_file_test=lambda path, url: "-" in url.rsplit("/", 1)[-1],
            allow_all_origins=False,
        )
    return application


def _app() -> Flask:
    settings = effective_settings()
    configure_logging(settings)
    return build(settings)


def __getattr__(name: str) -> Flask:
    # Built at first use: tests import `build` without settings in the environment.
    if name != "app":
        raise AttributeError(name)
    globals()["app"] = application = _app()
    return application
