"""An embedded server that archives, with a small shop on it."""

from __future__ import annotations

import base64
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.conftest import TEST_MASTER_KEY, TEST_SECRET, Server
from tests.integration.conftest import Shop

from kameng.app import create_app
from kameng.db import db
from kameng.db.migrate import migrate
from kameng.ops import postgres
from kameng.ops.backup.methods import Embedded, method_of
from kameng.ops.backup.spool import archiving
from kameng.ops.embedded import TEST_OPTIONS, postgres_service
from kameng.ops.home import Home
from kameng.ops.postgres import Postgres
from kameng.ops.supervisor import Supervisor
from kameng.settings import Settings

BACKUP_KEY = base64.b64encode(b"kameng test suite backup key 32b").decode()
FAST = {**TEST_OPTIONS, "shared_buffers": "32MB"}


@dataclass
class Yard:
    """One installation: its folder, server, settings and way of backing up."""

    home: Home
    server: Postgres
    settings: Settings

    @property
    def method(self) -> Embedded:
        found = method_of(self.settings)
        assert isinstance(found, Embedded)
        return found

    @contextmanager
    def shop(self, url: str = "", **changes: Any) -> Iterator[Shop]:
        """The shop on this server's database, or on a restored one."""
        settings = replace(self.settings, database_url=url or self.settings.database_url, **changes)
        app = create_app(settings)
        app.testing = True
        try:
            with psycopg.connect(settings.database_url, autocommit=True) as owner:
                yield Shop(app, owner)
        finally:
            with app.app_context():
                for engine in db.engines.values():
                    engine.dispose()


@pytest.fixture(scope="module")
def yard(server: Server) -> Iterator[Yard]:
    home = Home(Path(tempfile.mkdtemp(prefix="kameng-test-")))
    home.create()
    embedded = postgres.locate(home)
    embedded.prepare()
    supervisor = Supervisor(home.logs, say=lambda _text: None)
    try:
        supervisor.start(postgres_service(embedded, **FAST, **archiving(embedded)))
        embedded.ensure_database()
        settings = Settings(
            home=home.root, demo=True, database_url=embedded.url(), redis_url=server.redis_url,
            secret_key=TEST_SECRET, master_key=TEST_MASTER_KEY, backup_key=BACKUP_KEY,
            backup_keep=2, public_port=8000,
        )  # fmt: skip
        migrate(settings)
        made = Yard(home, embedded, settings)
        with made.shop() as shop:
            shop.build()
        yield made
    finally:
        supervisor.stop()
        for folder in {home.root, embedded.folder, embedded.sockets}:
            shutil.rmtree(folder, ignore_errors=True)
