"""Ways to a guarded SQL function: inside the scope's transaction, or alone in autocommit."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Engine, text

from kameng.db.session import db, engine, in_transaction

Row = dict[str, Any]


def run(function: str, **params: Any) -> list[Row]:
    """Call a guarded function inside the scope's transaction; the caller commits."""
    arguments = ", ".join(f"{name} => :{name}" for name in params)
    result = db.session.execute(text(f"SELECT * FROM {_checked(function)}({arguments})"), params)
    return [dict(row) for row in result.mappings()]


def call(function: str, *, as_main: bool = False, **params: Any) -> Row:
    """Call a guarded function as ONE statement in autocommit and return its row.

    `as_main`: as role main, for what no station's page may ever run (money has arrived).

    The statement is the whole transaction (design §8); the function sets the scope itself from its
    `p_station`. This is the only raw connection in the product.
    """
    if in_transaction():
        raise RuntimeError(f"{function} must not wait behind an open transaction of the same scope")
    statement = _statement(function, tuple(params))
    hot = engine("hot_main" if as_main else "hot")
    try:
        row = _fetch(hot, statement, params)
    except (
        _Lost
    ):  # PostgreSQL was restarted; each of these functions has a key, so it may run again
        hot.dispose()
        row = _fetch(hot, statement, params)
    if row is None:
        raise RuntimeError(f"{function} returned nothing")
    return row


class _Lost(psycopg.OperationalError):
    """The connection had died before or while it was used."""


def _fetch(hot: Engine, statement: bytes, params: Row) -> Row | None:
    connection = hot.raw_connection()
    driver = cast("psycopg.Connection[Any]", connection.driver_connection)
    try:
        with driver.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement, params).fetchone()
    except psycopg.OperationalError as error:
        if not driver.closed:
            raise
        connection.invalidate()
        raise _Lost(str(error)) from error
    finally:
        connection.close()


@cache
def _statement(function: str, names: tuple[str, ...]) -> bytes:
    arguments = ", ".join(f"{_checked(name)} => %({name})s" for name in names)
    return f"SELECT * FROM {_checked(function)}({arguments})".encode()


def _checked(function: str) -> str:
    if not function.isidentifier():
        raise ValueError("not a function name")
    return function
