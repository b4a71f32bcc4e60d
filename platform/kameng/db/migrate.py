"""`kameng migrate`: roles, Alembic steps, then the repeatable function files."""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from kameng.db.roles import GUARD_ROLE, ensure_roles
from kameng.db.urls import sqlalchemy_url
from kameng.settings import Settings

LOCK_KEY = 0x6B616D656E67  # "kameng": one migrator at a time per database


def alembic_config() -> Config:
    """Alembic's configuration without a file: the scripts lie in this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def migrate(settings: Settings) -> str:
    """Bring the database at `settings.database_url` to the newest state; returns the revision.

    Connects as the owner. Raises psycopg errors when the server cannot be reached.
    """
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
        ensure_roles(connection, settings)
        config = alembic_config()
        engine = create_engine(sqlalchemy_url(settings.database_url))
        try:
            with engine.begin() as alembic_connection:
                config.attributes["connection"] = alembic_connection
                command.upgrade(config, "head")
        finally:
            engine.dispose()
        # /readyz compares the schema with the newest step.
        connection.execute("GRANT SELECT ON alembic_version TO kameng_main")
        apply_functions(connection)
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else ""


def function_files() -> list[tuple[str, str]]:
    """All `sql/*.sql` of the contexts as (name, text), ordered by their leading number."""
    root = resources.files("kameng")
    found: list[tuple[str, str]] = []
    for folder in root.iterdir():
        scripts = folder / "sql"
        if folder.is_dir() and scripts.is_dir():
            for script in scripts.iterdir():
                if script.name.endswith(".sql"):
                    found.append((script.name, script.read_text(encoding="utf-8")))
    return sorted(found)


def apply_functions(connection: psycopg.Connection) -> None:
    """(Re)create every guarded function in one transaction, unless they are unchanged."""
    files = function_files()
    digest = hashlib.sha256("\0".join(name + body for name, body in files).encode()).hexdigest()
    with connection.transaction():
        connection.execute(
            "CREATE TABLE IF NOT EXISTS applied_functions "
            "(digest text NOT NULL, at timestamptz NOT NULL DEFAULT now())"
        )
        row = connection.execute("SELECT digest FROM applied_functions").fetchone()
        if row and row[0] == digest:
            return
        connection.execute(f"GRANT CREATE ON SCHEMA public TO {GUARD_ROLE}".encode())
        _drop_old(connection)
        for _name, body in files:
            connection.execute(body.encode())
            _hand_over(connection, body)
        connection.execute(f"REVOKE CREATE ON SCHEMA public FROM {GUARD_ROLE}".encode())
        connection.execute("DELETE FROM applied_functions")
        connection.execute("INSERT INTO applied_functions(digest) VALUES (%s)", (digest,))


def _drop_old(connection: psycopg.Connection) -> None:
    """A function that has got other arguments would otherwise live on beside the new one."""
    known = connection.execute(
        "SELECT oid::regprocedure::text FROM pg_proc "
        "WHERE proowner = %s::regrole AND pronamespace = 'public'::regnamespace",
        (GUARD_ROLE,),
    ).fetchall()
    for (signature,) in known:
        connection.execute(f"DROP FUNCTION {signature}".encode())


def _hand_over(connection: psycopg.Connection, body: str) -> None:
    """Guard owns each function; nobody runs it but the roles named in `-- grant: role, role`."""
    pattern = re.compile(r"-- grant: ([a-z_, ]+)\nCREATE OR REPLACE FUNCTION ([a-z_]+)\(")
    for roles, name in pattern.findall(body):
        row = connection.execute(
            "SELECT oid::regprocedure::text FROM pg_proc "
            "WHERE proname = %s AND pronamespace = 'public'::regnamespace",
            (name,),
        ).fetchall()
        for (signature,) in row:
            connection.execute(f"ALTER FUNCTION {signature} OWNER TO {GUARD_ROLE}".encode())
            connection.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC".encode())
            for role in roles.split(","):
                if role.strip() != "nobody":
                    connection.execute(
                        f"GRANT EXECUTE ON FUNCTION {signature} TO kameng_{role.strip()}".encode()
                    )
