"""The embedded servers: made once, kept over stops and kills, closed to the network."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from kameng.ops import postgres, valkey
from kameng.ops.embedded import clear_postgres, postgres_service, valkey_service
from kameng.ops.errors import OpsError
from kameng.ops.home import Home
from kameng.ops.postgres import Postgres
from kameng.ops.process import servers_in
from kameng.ops.servers import check_postgres, check_redis
from kameng.ops.supervisor import Supervisor


@pytest.fixture
def home() -> Iterator[Home]:
    # Not below pytest's own folder: as root its mode would send the data to /var/lib.
    made = Home(Path(tempfile.mkdtemp(prefix="kameng-test-")))
    made.create()
    yield made
    shutil.rmtree(made.root)


@pytest.fixture
def supervisor(home: Home) -> Iterator[Supervisor]:
    made = Supervisor(home.logs, say=lambda _text: None)
    yield made
    made.stop()


def _begin(home: Home, supervisor: Supervisor) -> Postgres:
    server = postgres.locate(home)
    server.prepare()
    supervisor.start(postgres_service(server, shared_buffers="16MB"))
    server.ensure_database()
    return server


def test_data_outlive_a_kill(home: Home, supervisor: Supervisor) -> None:
    server = _begin(home, supervisor)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    supervisor.stop()
    again = Supervisor(home.logs, say=lambda _text: None)
    try:
        assert not server.prepare()
        again.start(postgres_service(server, shared_buffers="16MB"))
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (42,)
    finally:
        again.stop()
    assert servers_in(server.data) == []


def test_postgres_has_no_network_and_a_private_socket(home: Home, supervisor: Supervisor) -> None:
    server = _begin(home, supervisor)
    with psycopg.connect(server.url()) as connection:
        values = connection.execute(
            "SELECT current_setting('listen_addresses'), current_setting('fsync'),"
            " current_setting('data_checksums')"
        ).fetchone()
    assert values == ("", "on", "on")
    assert stat.S_IMODE(server.sockets.stat().st_mode) == 0o700
    assert "PostgreSQL 18" in check_postgres(server.url())


def test_no_mode_outside_the_state_folder_changes(home: Home, supervisor: Supervisor) -> None:
    outside = [*home.root.parents, *postgres.installed_programs().parents]
    before = [path.stat().st_mode for path in outside]
    _begin(home, supervisor)
    assert [path.stat().st_mode for path in outside] == before


def test_an_interrupted_set_up_is_made_again(home: Home) -> None:
    server = postgres.locate(home)
    (server.folder / "data.new").mkdir(parents=True)
    (server.folder / "data.new" / "PG_VERSION").write_text("18\n")
    assert server.prepare()
    assert not server.prepare()


def test_data_of_another_version_are_left_alone(home: Home) -> None:
    server = postgres.locate(home)
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(OpsError, match="PostgreSQL 16"):
        server.prepare()


def test_orphans_of_a_dead_server_are_cleared(home: Home, supervisor: Supervisor) -> None:
    server = _begin(home, supervisor)
    os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    began = time.monotonic()
    clear_postgres(server)
    assert servers_in(server.data) == [] or time.monotonic() - began < 10


def test_valkey_keeps_its_data_over_a_restart(home: Home, supervisor: Supervisor) -> None:
    server = valkey.locate(home)
    supervisor.start(valkey_service(server))
    with redis.Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        assert client.config_get("port") == {"port": "0"}
    assert check_redis(server.url).startswith("Valkey 9")
    supervisor.stop()
    again = Supervisor(home.logs, say=lambda _text: None)
    try:
        again.start(valkey_service(server))
        with redis.Redis.from_url(server.url) as client:
            assert client.get("kept") == b"yes"
    finally:
        again.stop()


def test_servers_that_are_not_there_are_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(OpsError, match="KAMENG_DATABASE_URL"):
        check_postgres(f"postgresql://postgres@/kameng?host={tmp_path}")
    with pytest.raises(OpsError, match="KAMENG_REDIS_URL"):
        check_redis(f"unix://{tmp_path}/none.sock")
