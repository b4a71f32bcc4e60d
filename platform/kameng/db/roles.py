"""The five database roles, and the addresses under which processes connect as them."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from kameng.settings import Settings

LOGIN_ROLES = ("kameng_app", "kameng_main", "kameng_supplier", "kameng_readonly")
GUARD_ROLE = "kameng_guard"


def role_password(settings: Settings, role: str) -> str:
    """A role's password: derived from the secret key, so nothing more has to be kept."""
    key = settings.secret_key.encode()
    return hmac.new(key, f"database role {role}".encode(), hashlib.sha256).hexdigest()


def role_url(settings: Settings, role: str) -> str:
    """The owner's address with another role's name and password."""
    given = {
        "kameng_app": settings.app_database_url,
        "kameng_main": settings.main_database_url,
        "kameng_supplier": settings.supplier_database_url,
    }
    if given.get(role):
        return given[role]
    parts = urlsplit(settings.database_url)
    host = parts.netloc.rpartition("@")[2]
    login = f"{quote(role)}:{quote(role_password(settings, role))}"
    # A socket address has an empty host, which urlunsplit would swallow together with "//".
    netloc = f"{login}@{host}"
    return urlunsplit(parts._replace(netloc=netloc))


def ensure_roles(connection: psycopg.Connection, settings: Settings) -> None:
    """Create missing roles and set the passwords of this installation; safe to repeat."""
    existing = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    for role in (*LOGIN_ROLES, GUARD_ROLE):
        if role not in existing:
            try:
                with connection.transaction():
                    connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
            except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                pass  # another installation on the same server was faster
    _take_away_powers(connection)
    for role in LOGIN_ROLES:
        statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(role_password(settings, role))
        )
        try:
            with connection.transaction():
                connection.execute(statement)
        except psycopg.errors.InternalError_:
            pass  # "tuple concurrently updated": another process has just set the same thing
    # The owner must be a member of guard to hand functions over to it.
    with connection.transaction():
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(GUARD_ROLE)))


def _take_away_powers(connection: psycopg.Connection) -> None:
    """No role of ours may be more than it must, whoever made it.

    Only where it is: an owner without superuser may not even name these attributes.
    """
    rows = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
        " AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole)",
        ([*LOGIN_ROLES, GUARD_ROLE],),
    ).fetchall()
    for (role,) in rows:
        connection.execute(
            sql.SQL("ALTER ROLE {} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(
                sql.Identifier(role)
            )
        )
