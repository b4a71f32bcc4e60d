"""`dramatiq kameng.worker`: the application with its broker and every declared actor."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import cast

import dramatiq

from kameng import lean  # first: what it refuses is not imported
from kameng.app import create_app
from kameng.jobs.broker import worker_broker
from kameng.jobs.discovery import load_tasks
from kameng.logging import configure_logging
from kameng.settings import Settings, load_settings


def _settings() -> Settings:
    """Those of the embedded servers, should they run; otherwise what the environment says."""
    if find_spec("kameng.ops.runtime") is None:
        return load_settings()
    return cast(Settings, importlib.import_module("kameng.ops.runtime").effective_settings())


settings = _settings()
configure_logging(settings)
load_tasks()
app = create_app(settings)
broker = worker_broker(app)
dramatiq.set_broker(broker)
lean.settle()
