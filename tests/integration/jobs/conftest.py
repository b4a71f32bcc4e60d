"""Actors of the tests, and a worker in this process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask

from kameng.db import db, init_database
from kameng.jobs import registry, tasks  # noqa: F401  # tasks: the runner of long work
from kameng.jobs.broker import EXTENSION
from kameng.redis import client, init_redis
from kameng.runtime import current_settings, init_runtime
from kameng.settings import Settings


@pytest.fixture(autouse=True)
def own_actors() -> Iterator[None]:
    """The work of the contexts is put aside, and what a test declares is forgotten after it."""
    actors = [spec for name, spec in registry.actors().items() if not name.startswith("jobs.")]
    jobs = [spec for name, spec in registry.periodic().items() if not name.startswith("jobs.")]
    for spec in (*actors, *jobs):
        registry.forget(spec.name)
    yield
    for name in (*registry.actors(), *registry.periodic()):
        if not name.startswith("jobs."):
            registry.forget(name)
    for actor in actors:
        registry.add_actor(actor)
    for job in jobs:
        registry.add_periodic(job)


TABLES = "outbox, outbox_done, job_slot, job_run, alert, notice, audit_event"


@pytest.fixture(scope="module")
def bare_app(settings: Settings) -> Iterator[Flask]:
    """An application without pages: jobs need database, Redis and settings only."""
    app = Flask("kameng")
    init_runtime(app, settings)
    init_database(app, settings)
    init_redis(app, settings)
    yield app
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def ready(bare_app: Flask, owner: psycopg.Connection[Any]) -> Iterator[Flask]:
    """The application with stations 1 and 2, no jobs, no mail, and an empty Redis."""
    owner.execute(f"TRUNCATE {TABLES} CASCADE".encode())
    owner.execute(
        "INSERT INTO station(id, parent_id, path, slug, name, state) VALUES"
        " (1, NULL, ARRAY[1], 'main', 'main', 'active'),"
        " (2, 1, ARRAY[1, 2], 'deer', 'deer', 'active') ON CONFLICT DO NOTHING"
    )
    bare_app.extensions.pop(EXTENSION, None)  # a broker that knows this test's actors only
    with bare_app.app_context():
        client().flushdb()
        shutil.rmtree(current_settings().home / "mail", ignore_errors=True)
        yield bare_app
        client().flushdb()
