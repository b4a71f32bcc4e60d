"""Database: scopes, sessions, guarded functions. Raw connections are refused elsewhere."""

from kameng.db.base import Amount, Base, BigId
from kameng.db.guarded import call, call_or_none, run
from kameng.db.scope import (
    NoScope,
    Scope,
    current_scope,
    main_scope,
    maybe_scope,
    station_scope,
    supplier_scope,
)
from kameng.db.session import DATABASE_ERRORS, db, end_reading, in_transaction, init_database

__all__ = [
    "DATABASE_ERRORS",
    "Amount",
    "Base",
    "BigId",
    "NoScope",
    "Scope",
    "call",
    "call_or_none",
    "current_scope",
    "db",
    "end_reading",
    "in_transaction",
    "init_database",
    "main_scope",
    "maybe_scope",
    "run",
    "station_scope",
    "supplier_scope",
]
