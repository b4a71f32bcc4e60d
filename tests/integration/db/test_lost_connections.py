"""A server that was killed says no last word: its connections just end."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from kameng.db import call, db, main_scope, station_scope
from kameng.db.guarded import _idle
from kameng.db.session import engine

if TYPE_CHECKING:
    from flask import Flask


def cut(connection: Any) -> None:
    """Both ways, without a word of PostgreSQL's protocol."""
    with socket.socket(fileno=os.dup(connection.pgconn.socket)) as line:
        line.shutdown(socket.SHUT_RDWR)


def cancel_nothing() -> object:
    """A guarded function in autocommit; there is no such order."""
    return call("cancel_order", p_station=1, p_order_no="none", p_actor="test")["code"]


def test_a_call_on_a_connection_that_was_cut_is_repeated_on_a_new_one(app: Flask) -> None:
    with app.app_context(), station_scope(1):
        before = cancel_nothing()
        kept = _idle.take(engine("hot"))
        cut(kept.driver)
        _idle.give(engine("hot"), kept)
        assert cancel_nothing() == before


def test_a_scope_whose_connection_was_cut_ends_quietly(app: Flask) -> None:
    with app.app_context():
        with main_scope(reason="test"):
            assert db.session.scalar(text("SELECT 1")) == 1
            cut(db.session.connection().connection.driver_connection)
        with main_scope(reason="test"):
            assert db.session.scalar(text("SELECT 2")) == 2
