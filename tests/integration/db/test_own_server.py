"""A server of the operator's own: the owner there is no superuser."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from kameng.db.migrate import migrate
from kameng.ops.embedded import servers_for_tests
from kameng.settings import Settings


@pytest.fixture(scope="module")
def bare() -> Iterator[tuple[str, Settings]]:
    """A server without any role of ours; (superuser's URL, settings of an ordinary owner)."""
    with servers_for_tests() as (database_url, redis_url):
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("CREATE ROLE shop LOGIN CREATEROLE")
            connection.execute("CREATE DATABASE shop OWNER shop")
        sockets = database_url.partition("?")[2]
        yield (
            database_url,
            Settings(
                demo=True,
                database_url=f"postgresql://shop@/shop?{sockets}",
                redis_url=redis_url,
                secret_key="secret of an ordinary owner's installation",
            ),
        )


def test_an_owner_with_createrole_migrates_and_may_repeat_it(bare: tuple[str, Settings]) -> None:
    _admin, settings = bare
    assert migrate(settings) == migrate(settings)


def test_powers_that_somebody_gave_are_taken_away(bare: tuple[str, Settings]) -> None:
    admin, settings = bare
    migrate(settings)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("ALTER ROLE kameng_app BYPASSRLS")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            migrate(settings)  # the ordinary owner cannot, and says so instead of going on
        connection.execute("ALTER ROLE shop SUPERUSER")
        migrate(settings)
        row = connection.execute(
            "SELECT rolbypassrls FROM pg_roles WHERE rolname = 'kameng_app'"
        ).fetchone()
    assert row == (False,)
