"""What the doctor asks the database, as its owner."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from alembic.script import ScriptDirectory

from kameng.db.migrate import alembic_config
from kameng.db.roles import GUARD_ROLE, LOGIN_ROLES
from kameng.settings import Settings


def missing_roles(settings: Settings) -> list[str]:
    """Roles of the product that the server lacks."""
    with psycopg.connect(settings.database_url) as connection:
        there = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    return [role for role in (*LOGIN_ROLES, GUARD_ROLE) if role not in there]


def migration_state(settings: Settings) -> tuple[str, str]:
    """Revision of the database (empty: none) and the newest one of this program."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head() or ""
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
        if not row or not row[0]:
            return "", head
        current = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return (str(current[0]) if current else ""), head


def clock_difference_s(settings: Settings, now: Callable[[], float]) -> float:
    """Our clock minus the database's, in seconds."""
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
    return now() - float(row[0]) if row else 0.0
