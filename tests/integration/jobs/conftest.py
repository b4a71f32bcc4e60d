"""Actors of the tests, and a worker in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from kameng.db import db, init_database, main_scope
from kameng.jobs import registry, tasks  # noqa: F401  # tasks: the runner of long work
from kameng.redis import init_redis
from kameng.runtime import init_runtime
from kameng.settings import Settings


@pytest.fixture(autouse=True)
def own_actors() -> Iterator[None]:
    """Whatever a test declares is forgotten after it."""
    actors, periodic = set(registry.actors()), set(registry.periodic())
    yield
    for name in (set(registry.actors()) - actors) | (set(registry.periodic()) - periodic):
        registry.forget(name)


@pytest.fixture
def bare_app(server: Any, fresh_database: str, tmp_path: Path) -> Iterator[Flask]:
    """An application without pages: jobs need database, Redis and settings only."""
    settings = Settings(
        demo=True, home=tmp_path, database_url=fresh_database, redis_url=server.redis_url,
        secret_key="test-secret-key-of-this-suite-not-for-production",
    )  # fmt: skip
    app = Flask("kameng")
    init_runtime(app, settings)
    init_database(app, settings)
    init_redis(app, settings)
    yield app
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def ready(bare_app: Flask) -> Iterator[Flask]:
    """The application on a database of this test, with stations 1 and 2 and an empty Redis."""
    from kameng.redis import client

    with bare_app.app_context():
        client().flushdb()
        with main_scope(reason="test"):
            for number, parent in ((1, None), (2, 1)):
                db.session.execute(
                    text(
                        "INSERT INTO station(id, parent_id, path, slug, name, state)"
                        " VALUES (:id, :parent, ARRAY[:id], :slug, :slug, 'active')"
                    ),
                    {"id": number, "parent": parent, "slug": f"station-{number}"},
                )
            db.session.commit()
        yield bare_app
        client().flushdb()
