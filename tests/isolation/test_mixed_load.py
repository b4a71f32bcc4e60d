"""T12: sixteen threads of sixteen stations over very few connections; each sees itself alone.

In between statements fail, are cancelled, run in savepoints, and connections die. By default the
stations share the product's own pool, made very small; with `KAMENG_TEST_PGBOUNCER` (a path, or a
pgbouncer on the PATH) also a PgBouncer in transaction mode. `KAMENG_TEST_MIXED_LOAD` sets how many
requests each thread makes.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.exc import DBAPIError

from kameng.app import create_app
from kameng.db import call, db, main_scope, run, station_scope
from kameng.db.roles import LOGIN_ROLES, role_url
from kameng.db.session import ScopedSession

if TYPE_CHECKING:
    from flask import Flask

    from kameng.settings import Settings

THREADS = 16
REQUESTS = int(os.environ.get("KAMENG_TEST_MIXED_LOAD", "200"))
Visits = Sequence[Callable[[int], str]]
FIRST = 100  # number of the first station
SEEN = sa.text(
    "SELECT (SELECT string_agg(name, ',') FROM station),"
    " (SELECT string_agg(DISTINCT station_id::text, ',') FROM member),"
    " current_setting('app.station_id')"
)
PGBOUNCER = os.environ.get("KAMENG_TEST_PGBOUNCER") or shutil.which("pgbouncer")


@pytest.fixture(scope="module")
def stations(database: str) -> list[int]:
    """A station for each thread, with a name and members that are its own."""
    numbers = [FIRST + n for n in range(THREADS)]
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO station(id, parent_id, path, slug, name, state)"
            " VALUES (1, NULL, '{1}', 'main', 'main', 'active')"
        )
        for number in numbers:
            owner.execute(
                "INSERT INTO station(id, parent_id, path, slug, name, state)"
                " VALUES (%s, 1, %s, %s, %s, 'active')",
                (number, [1, number], f"s{number}", f"canary-{number}"),
            )
            owner.execute(
                "INSERT INTO member(station_id, login, password_hash)"
                " SELECT %s, 'member' || n, '' FROM generate_series(1, 5) n",
                (number,),
            )
    return numbers


def visited(
    app: Flask, stations: list[int], requests: int = REQUESTS, visits: Visits = ()
) -> Counter[str]:
    """All threads at once; how often what happened. "crossed" is what must not."""
    chosen = visits or VISITS
    with ThreadPoolExecutor(len(stations)) as threads:
        each = threads.map(lambda one: _visits(app, one, requests, chosen), stations)
        return sum(each, Counter())


def _visits(app: Flask, station: int, requests: int, visits: Visits) -> Counter[str]:
    chance, happened = random.Random(station), Counter[str]()
    for _ in range(requests):
        visit = chance.choice(visits)
        with app.app_context():
            try:
                happened[visit(station)] += 1
            except DBAPIError:
                happened["died"] += 1
    return happened


def _look(station: int) -> str:
    """The name of the station, whose members these are, and what the scope says."""
    row = tuple(db.session.execute(SEEN).one())
    return "own" if row == (f"canary-{station}", str(station), str(station)) else "crossed"


def plain(station: int) -> str:
    with station_scope(station):
        return _look(station)


def over_commits(station: int) -> str:
    """What comes after a commit or a roll-back is a new transaction, maybe on another connection."""
    with station_scope(station):
        seen = {_look(station)}
        db.session.commit()
        seen.add(_look(station))
        db.session.rollback()
        seen.add(_look(station))
    return "crossed" if "crossed" in seen else "own"


def after_an_error(station: int) -> str:
    with station_scope(station):
        try:
            db.session.execute(sa.text("SELECT 1 / 0"))
        except DBAPIError:
            db.session.rollback()
        return _look(station)


def after_a_cancel(station: int) -> str:
    with station_scope(station):
        db.session.execute(sa.text("SET LOCAL statement_timeout = 5"))
        try:
            db.session.execute(sa.text("SELECT pg_sleep(1)"))
        except DBAPIError:
            db.session.rollback()
        return _look(station)


def in_a_savepoint(station: int) -> str:
    with station_scope(station):
        with db.session.begin_nested():
            seen = _look(station)
        return seen if seen == "crossed" else _look(station)


def left_open(station: int) -> str:
    """An error leaves the scope with a transaction open."""
    try:
        with station_scope(station):
            db.session.execute(sa.text("UPDATE member SET name = 'x'"))
            raise LookupError
    except LookupError:
        return plain(station)


def in_a_function(station: int) -> str:
    """A guarded function in the scope's transaction, which enters the station itself."""
    with station_scope(station):
        run(
            "count_risk_hit", p_station=station, p_counter="c", p_key=str(station), p_event_id="e",
            p_window_s=60,
        )  # fmt: skip
        return _look(station)


def beside_a_transaction(station: int) -> str:
    """The hot path: one statement in autocommit, on connections of its own."""
    with station_scope(station):
        call("station_terms", p_station=station)
        return _look(station)


def as_main(station: int) -> str:
    """The main station's work on the same connections' neighbours, going from station to station."""
    with main_scope(reason="test"):
        run("station_earnings", p_station=station, p_since=None)
    return plain(station)


def on_a_dying_connection(station: int) -> str:
    with station_scope(station):
        seen = _look(station)
        try:
            db.session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        except DBAPIError:
            db.session.rollback()
    return seen if seen == "crossed" else plain(station)


VISITS = (
    *(plain, over_commits, after_an_error, in_a_savepoint, left_open, in_a_function, beside_a_transaction) * 5,
    after_a_cancel, as_main, on_a_dying_connection,
)  # fmt: skip


@contextmanager
def application(settings: Settings) -> Iterator[Flask]:
    """The product with as few connections as it can have: one of a thread, and four over."""
    app = create_app(replace(settings, web_threads=1))
    yield app
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


def assert_nobody_met_another(happened: Counter[str]) -> None:
    assert happened["crossed"] == 0
    assert happened["own"] > THREADS * REQUESTS * 0.9, happened


def test_T12_stations_that_share_few_connections_never_meet(
    settings: Settings, stations: list[int]
) -> None:
    with application(settings) as app:
        assert_nobody_met_another(visited(app, stations))
        with app.app_context():
            assert db.engines["app"].pool.size() + 4 < THREADS  # type: ignore[attr-defined]  # a QueuePool


def test_T12_a_station_that_outlives_its_transaction_would_be_noticed(
    settings: Settings, stations: list[int]
) -> None:
    """What the test above can see: a scope that is told to the connection and not to the transaction."""
    with application(settings) as app:

        def forgetful(_session: object, _tx: object, connection: sa.Connection) -> None:
            if chance.random() < 0.5:
                connection.execute(sa.text("SELECT set_config('app.station_id', '100', false)"))

        chance = random.Random(1)
        sa.event.listen(ScopedSession, "after_begin", forgetful)
        try:
            assert visited(app, stations, 10)["crossed"] > 0
        finally:
            sa.event.remove(ScopedSession, "after_begin", forgetful)


@pytest.fixture(scope="module")
def bouncer(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A PgBouncer in transaction mode before the module's database; the settings that lead to it."""
    if PGBOUNCER is None:
        pytest.skip("needs pgbouncer: none on the PATH, and KAMENG_TEST_PGBOUNCER names none")
    folder = tmp_path_factory.mktemp("bouncer")
    logins = {role: conninfo_to_dict(role_url(settings, role)) for role in LOGIN_ROLES}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    _write_settings(folder, port, logins)
    process = subprocess.Popen([PGBOUNCER, *_as_nobody(folder), str(folder / "bouncer.ini")])
    try:
        _until_open(port)
        through = {
            role: f"postgresql://{role}:{one['password']}@127.0.0.1:{port}/{one['dbname']}"
            for role, one in logins.items()
        }
        yield replace(
            settings, app_database_url=through["kameng_app"],
            main_database_url=through["kameng_main"],
            supplier_database_url=through["kameng_supplier"],
        )  # fmt: skip
    finally:
        process.terminate()
        process.wait(20)


def _write_settings(folder: Path, port: int, logins: dict[str, dict[str, Any]]) -> None:
    one = logins["kameng_app"]
    where = f"host={one['host']} port={one.get('port') or 5432} dbname={one['dbname']}"
    (folder / "users.txt").write_text(
        "".join(f'"{role}" "{login["password"]}"\n' for role, login in logins.items())
    )
    (folder / "bouncer.ini").write_text(
        f"[databases]\n{one['dbname']} = {where}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = plain\nauth_file = {folder}/users.txt\n"
        "pool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 500\n"
        "ignore_startup_parameters = options,extra_float_digits\n"
        f"pidfile = {folder}/bouncer.pid\nlog_connections = 0\nlog_disconnections = 0\n"
    )


def _as_nobody(folder: Path) -> list[str]:
    """PgBouncer refuses to run as root."""
    if os.geteuid() != 0:
        return []
    for path in (folder, *folder.parents[:2], *folder.iterdir()):
        path.chmod(path.stat().st_mode | 0o055)
    folder.chmod(0o777)
    return ["-u", "nobody"]


def _until_open(port: int) -> None:
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("pgbouncer did not open its port")


def test_T12_stations_behind_pgbouncer_never_meet(bouncer: Settings, stations: list[int]) -> None:
    """Scopes alone: without prepared statements, which a PgBouncer before 1.21 mixes up.

    So the hot path, which prepares, is left out, and psycopg is told to prepare nothing.
    """
    with application(bouncer) as app:
        with app.app_context():
            for engine in db.engines.values():
                sa.event.listen(engine, "do_connect", _unprepared)
        scopes = [visit for visit in VISITS if visit is not beside_a_transaction]
        assert_nobody_met_another(visited(app, stations, visits=scopes))


def _unprepared(_dialect: Any, _record: Any, _words: Any, options: dict[str, Any]) -> None:
    options["prepare_threshold"] = None
