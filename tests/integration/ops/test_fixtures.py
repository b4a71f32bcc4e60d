"""The test bed itself: fresh databases are migrated and apart from each other."""

from __future__ import annotations

from collections.abc import Callable

import psycopg


def test_a_fresh_database_is_migrated(database: str) -> None:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM alembic_version").fetchone()
    assert row == (1,)


def test_two_fresh_databases_do_not_share_rows(
    fresh_database: str, database: str, make_database: Callable[[], str]
) -> None:
    with psycopg.connect(fresh_database) as connection:
        connection.execute("CREATE TABLE only_here (n int)")
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT to_regclass('only_here')").fetchone()
    assert row == (None,)
