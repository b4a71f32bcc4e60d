"""Fixtures shared by all tests: real PostgreSQL and Valkey, one fresh database per module.

With ``KAMENG_TEST_DATABASE_URL`` and ``KAMENG_TEST_REDIS_URL`` those servers are used, otherwise
the embedded ones are started once per session. A template database is migrated once per state of
the schema files and cloned, which takes a tenth of a second.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import hypothesis
import psycopg
import pytest
import redis
from psycopg import sql

from kameng.settings import Settings

from .spreading import ON_THE_INSTALLATION, Spreading, turn

if TYPE_CHECKING:
    from flask import Flask

# How long one example takes says more about the machine's other work than about the code.
hypothesis.settings.register_profile("kameng", deadline=None)
hypothesis.settings.load_profile("kameng")

ROOT = Path(__file__).resolve().parent.parent
PLATFORM = ROOT / "platform" / "kameng"
KAMENG = [sys.executable, "-m", "kameng.cli"]
TEMPLATE_LOCK = 0x6B6D7470  # one process at a time makes or clones a template
STALE_S = 3 * 3600
TEST_SECRET = "test-secret-key-of-this-suite-not-for-production"
TEST_MASTER_KEY = base64.b64encode(b"kameng test suite master key 32b").decode()


@dataclass(frozen=True)
class Server:
    """Addresses of the servers under test: owner's maintenance database, and one Redis database."""

    database_url: str
    redis_url: str
    redis_server_url: str  # where other databases of it are claimed

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.database_url)._replace(path=f"/{database}"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last, as they are costly to prepare; with two processes, first."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: turn(item.nodeid))
    else:
        items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spreading:
    """Whole files, long ones first."""
    return Spreading(config, log)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """PostgreSQL and Valkey of this run, with a Redis database of its own."""
    with _servers() as (database_url, redis_url), _redis_database(redis_url) as own:
        found = Server(database_url, own, redis_url)
        _drop_stale(found)
        yield found


@contextmanager
def _servers() -> Iterator[tuple[str, str]]:
    given = os.environ.get("KAMENG_TEST_DATABASE_URL"), os.environ.get("KAMENG_TEST_REDIS_URL")
    if given[0] and given[1]:
        yield given[0], given[1]
        return
    from kameng.ops.embedded import servers_for_tests

    with servers_for_tests() as urls:
        yield given[0] or urls[0], given[1] or urls[1]


@pytest.fixture(scope="module")
def other_redis(server: Server) -> Iterator[str]:
    """A second Redis database, for a second installation beside the first."""
    with _redis_database(server.redis_server_url) as url:
        yield url


@contextmanager
def _redis_database(url: str) -> Iterator[str]:
    """Claim a numbered database of the server, so that runs at the same time do not meet."""
    with redis.Redis.from_url(url) as claims:
        size = int(claims.config_get("databases")["databases"])
        for number in range(1, size):
            if _claim(claims, f"kameng-test-run:{number}"):
                break
        else:
            pytest.exit("every database of the test Redis is taken", returncode=3)
        own = _with_redis_database(url, number)
        with redis.Redis.from_url(own) as client:
            client.flushdb()
            yield own
            client.flushdb()
        claims.delete(f"kameng-test-run:{number}")


def _claim(claims: redis.Redis, key: str) -> bool:
    holder = claims.get(key)
    if holder and not Path(f"/proc/{int(holder)}").exists():
        claims.delete(key)  # that run was killed
    return bool(claims.set(key, os.getpid(), nx=True, ex=STALE_S))


def _with_redis_database(url: str, number: int) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":  # urlunsplit would drop the slashes of an empty host
        return f"unix://{parts.path}?db={number}"
    return urlunsplit(parts._replace(path=f"/{number}"))


@pytest.fixture(scope="session")
def template_database(server: Server) -> str:
    """Name of a migrated database that is only ever cloned.

    `KAMENG_TEST_TEMPLATE` names another one: `make mutants` takes safeguards out of it.
    """
    if given := os.environ.get("KAMENG_TEST_TEMPLATE"):
        return given
    name = f"kameng_tpl_{_schema_digest()}"
    with _maintenance(server) as connection:
        row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if row is None:
            _build_template(server, connection, name)
    return name


def _build_template(server: Server, connection: psycopg.Connection, name: str) -> None:
    from kameng.db.migrate import migrate

    building = f"{name}_building"
    _drop(connection, building)
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(building)))
    migrate(make_settings(server, building))
    connection.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
            sql.Identifier(building), sql.Identifier(name)
        )
    )
    _note_birth(connection, name)


def _schema_digest() -> str:
    """Changes with every file that shapes the schema."""
    digest = hashlib.sha256(TEST_SECRET.encode())
    files = [*PLATFORM.glob("*/sql/*.sql"), *(PLATFORM / "db").rglob("*")]
    for path in sorted(path for path in files if path.suffix in (".sql", ".py")):
        digest.update(path.relative_to(PLATFORM).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@pytest.fixture(scope="session")
def make_database(server: Server, template_database: str) -> Callable[[], str]:
    """Function that clones the template and returns the owner's URL of the new database."""

    def make() -> str:
        return server.url_of(clone_database(server, template_database))

    return make


def clone_database(server: Server, source: str, name: str = "") -> str:
    """A copy of a database to which nobody is connected; its name, new unless given."""
    name = name or f"kameng_t_{int(time.time()):x}_{os.getpid():x}_{secrets.token_hex(3)}"
    with _maintenance(server) as connection:
        connection.execute(
            # By files: through the log, as is usual, it takes four times as long.
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(source)
            )
        )
        _note_birth(connection, name)
    return name


def drop_database(server: Server, name: str) -> None:
    """Remove it, whoever is connected."""
    with _maintenance(server) as connection:
        _drop(connection, name)


@pytest.fixture(scope="module")
def database(server: Server, make_database: Callable[[], str]) -> Iterator[str]:
    """A fresh, migrated database for the test module; the owner's URL."""
    with _dropped_after(server, make_database()) as url:
        yield url


@pytest.fixture(scope="module")
def other_database(server: Server, make_database: Callable[[], str]) -> Iterator[str]:
    """The same for a second installation beside the first."""
    with _dropped_after(server, make_database()) as url:
        yield url


@pytest.fixture
def fresh_database(server: Server, make_database: Callable[[], str]) -> Iterator[str]:
    """A fresh, migrated database for this one test; the owner's URL."""
    with _dropped_after(server, make_database()) as url:
        yield url


@contextmanager
def _dropped_after(server: Server, url: str) -> Iterator[str]:
    try:
        yield url
    finally:
        drop_database(server, urlsplit(url).path.lstrip("/"))


@pytest.fixture(scope="module")
def settings(server: Server, database: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the module's database: demo mode, fixed secrets, a home of its own."""
    name = urlsplit(database).path.lstrip("/")
    return replace(make_settings(server, name), home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[Flask]:
    """The core application on the module's database."""
    from kameng.app import create_app

    with redis.Redis.from_url(settings.redis_url) as client:
        client.flushdb()
    application = create_app(settings)
    application.testing = True
    yield application
    _close_engines(application)


@pytest.fixture
def fresh_app(server: Server, fresh_database: str, tmp_path: Path) -> Iterator[Flask]:
    """The core application on a database of this one test."""
    from kameng.app import create_app

    name = urlsplit(fresh_database).path.lstrip("/")
    application = create_app(replace(make_settings(server, name), home=tmp_path))
    application.testing = True
    yield application
    _close_engines(application)


@pytest.fixture
def owner(database: str) -> Iterator[psycopg.Connection]:
    """The owner's own connection in autocommit: to look behind the product's back."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def make_settings(server: Server, database: str) -> Settings:
    """Settings for a named database of the test server."""
    return Settings(
        demo=True,
        database_url=server.url_of(database),
        redis_url=server.redis_url,
        secret_key=TEST_SECRET,
        master_key=TEST_MASTER_KEY,
        public_port=8000,
    )


def _close_engines(application: Flask) -> None:
    from kameng.db import db

    with application.app_context():
        for engine in db.engines.values():
            engine.dispose()


@contextmanager
def _maintenance(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (TEMPLATE_LOCK,))
        yield connection


def _note_birth(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(
            sql.Identifier(name), sql.Literal(str(int(time.time())))
        )
    )


def _drop_stale(server: Server) -> None:
    """Remove what crashed runs and older schemas left on a shared server."""
    with _maintenance(server) as connection:
        rows = connection.execute(
            "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
            " WHERE datname LIKE 'kameng\\_t\\_%' OR datname LIKE 'kameng\\_tpl\\_%'"
        ).fetchall()
        for name, born in rows:
            if born and time.time() - int(born) > STALE_S:
                _drop(connection, name)


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


@dataclass
class Installation:
    """A running `kameng up`: what `demo-info` says of it."""

    home: Path
    environ: dict[str, str]
    info: dict[str, Any]

    @property
    def main_url(self) -> str:
        return str(self.info["main_url"])

    def station_url(self, slug: str) -> str:
        return self.main_url.replace("//main.", f"//{slug}.")

    def kameng(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the product on this installation."""
        return subprocess.run(
            [*KAMENG, *words], env=self.environ, capture_output=True, text=True, cwd=ROOT
        )


def free_port() -> int:
    """A port with a free neighbour (the simulators), below the ephemeral range."""
    for port in range(18100, 18900, 2):
        with ExitStack() as stack:
            try:
                for number in (port, port + 1):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", number))
            except OSError:
                continue
        return port
    raise RuntimeError("no free port")


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A demo with everything running; started once, stopped at the end.

    `KAMENG_TEST_HOME` names the state folder of a running `kameng up` to use instead.
    """
    given = os.environ.get("KAMENG_TEST_HOME")
    home = Path(given) if given else tmp_path_factory.mktemp("installation")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("KAMENG_")}
    environ = {**clean, "KAMENG_HOME": str(home)}
    with ExitStack() as stack:
        if not given:
            environ["KAMENG_PORT"] = str(free_port())
            stack.enter_context(_running(environ, home))
        shown = subprocess.run(
            [*KAMENG, "demo-info", "--json"],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        _STOP.append(stack.close)
        yield Installation(home, environ, json.loads(shown.stdout))


_STOP: list[Callable[[], None]] = []  # the installation of this process, while it runs


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """With two processes the installation's tests come first: it must not idle beside the rest."""
    over = nextitem is not None and not nextitem.nodeid.startswith(ON_THE_INSTALLATION)
    if over and _STOP and "PYTEST_XDIST_WORKER" in os.environ:
        _STOP.pop()()


@contextmanager
def _running(environ: dict[str, str], home: Path) -> Iterator[None]:
    log = (home / "up.log").open("wb")
    process = subprocess.Popen([*KAMENG, "up"], env=environ, stdout=log, stderr=log, cwd=ROOT)
    try:
        _until_ready(process, int(environ["KAMENG_PORT"]), home / "up.log")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        log.close()


def _until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + 280
    while time.monotonic() < give_up and process.poll() is None:
        try:
            ready = httpx.get(
                f"http://127.0.0.1:{port}/readyz", headers={"Host": "main.localhost"}, timeout=5
            )
            if ready.status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    pytest.fail(f"kameng up did not get ready:\n{log.read_text()[-2000:]}")
