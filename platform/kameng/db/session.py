"""`db`: Flask-SQLAlchemy with one session per scope and one engine per role."""

from __future__ import annotations

from typing import Any, cast

import psycopg
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, SessionTransaction

from kameng.db.base import Base
from kameng.db.roles import role_url
from kameng.db.scope import current_scope, maybe_scope, when_closing
from kameng.db.urls import sqlalchemy_url
from kameng.runtime import extensions
from kameng.settings import Settings

ENGINES = "kameng.db.engines"
# A session's come in SQLAlchemy's clothes, a guarded call's as they are.
DATABASE_ERRORS = (DBAPIError, psycopg.Error)


class ScopedSession(Session):
    """A session that can only exist inside a scope, bound to the scope's role."""

    def __init__(self, *_ignored: Any, **options: Any) -> None:
        options.pop("db", None)
        super().__init__(**options)
        self.scope = current_scope()

    def get_bind(self, *_args: Any, **_kw: Any) -> Engine:
        scope = maybe_scope()
        if scope != self.scope:
            raise RuntimeError("a session was used outside the scope that opened it")
        return engine(self.scope.role)


class Database(SQLAlchemy):
    """Sessions end with their scope, not with Flask's application context."""

    def _teardown_session(self, exc: BaseException | None) -> None:
        """Nothing: outside a scope there is no session, inside it the scope still needs it."""


db = Database(
    model_class=Base,
    session_options={"class_": ScopedSession, "scopefunc": lambda: current_scope().number},
    disable_autonaming=True,
)


@event.listens_for(ScopedSession, "after_begin")
def _set_owner(session: Session, _tx: SessionTransaction, connection: Connection) -> None:
    """Tell row level security whose rows these are; ends with the transaction."""
    scope = session.scope  # type: ignore[attr-defined]  # only ScopedSession is listened to
    if scope.station_id is not None:
        connection.execute(
            text("SELECT set_config('app.station_id', :station, true)"),
            {"station": str(scope.station_id)},
        )
    if scope.supplier_id is not None:
        connection.execute(
            text("SELECT set_config('app.supplier_id', :supplier, true)"),
            {"supplier": str(scope.supplier_id)},
        )


def init_database(app: Flask, settings: Settings) -> None:
    """Engines: app (default), main, supplier, and the first two in autocommit for the hot path."""
    options = {
        "pool_size": settings.web_threads,
        "max_overflow": 4,
        "pool_pre_ping": True,  # after a restart of PostgreSQL the next request must just work
        "pool_recycle": 1800,
        "connect_args": {
            "connect_timeout": 5,
            "options": "-c lock_timeout=8000 -c statement_timeout=60000",
        },
    }
    # No round trips beside the statement: a lost connection is noticed by it, and it is repeated.
    hot = {
        **options, "isolation_level": "AUTOCOMMIT", "pool_pre_ping": False,
        "pool_reset_on_return": None,
    }  # fmt: skip
    app.config["SQLALCHEMY_BINDS"] = {
        "app": {"url": sqlalchemy_url(role_url(settings, "kameng_app")), **options},
        "main": {"url": sqlalchemy_url(role_url(settings, "kameng_main")), **options},
        "supplier": {"url": sqlalchemy_url(role_url(settings, "kameng_supplier")), **options},
        "hot": {"url": sqlalchemy_url(role_url(settings, "kameng_app")), **hot},
        "hot_main": {"url": sqlalchemy_url(role_url(settings, "kameng_main")), **hot},
    }
    app.config["SQLALCHEMY_DATABASE_URI"] = sqlalchemy_url(role_url(settings, "kameng_app"))
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)


def engine(name: str) -> Engine:
    """The engine of a role ("app", "main") or of its hot path ("hot", "hot_main")."""
    kept = extensions()
    engines = kept.get(ENGINES) or kept.setdefault(ENGINES, db.engines)
    return cast(Engine, engines[name])


@when_closing
def close_session() -> None:
    """End the scope's session: roll back what was not committed, return the connection.

    A connection that is dead has nothing to roll back: what was answered stays answered.
    """
    registry = db.session.registry
    if not registry.has():
        return
    try:
        db.session.remove()
    except OperationalError:
        registry().invalidate()
        registry.clear()


def end_reading() -> None:
    """Leave the transaction that reading has opened in the scope's session, if it has."""
    if in_transaction():
        db.session.rollback()


def in_transaction() -> bool:
    """True while the open scope's session holds a transaction (network calls are refused then)."""
    scope = maybe_scope()
    if scope is None:
        return False
    registry = db.session.registry
    return bool(registry.has() and registry().in_transaction())
