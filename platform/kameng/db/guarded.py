"""Ways to a guarded SQL function: inside the scope's transaction, or alone in autocommit."""

from __future__ import annotations

from functools import cache
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row
from sqlalchemy import text

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
    connection = engine("hot_main" if as_main else "hot").raw_connection()
    try:
        with connection.driver_connection.cursor(row_factory=dict_row) as cursor:  # type: ignore[union-attr]  # a checked-out connection has a driver connection
            cursor.execute(statement, params)
            row = cursor.fetchone()
    finally:
        connection.close()
    if row is None:
        raise RuntimeError(f"{function} returned nothing")
    return dict(row)


@cache
def _statement(function: str, names: tuple[str, ...]) -> sql.Composed:
    arguments = sql.SQL(", ").join(
        sql.SQL("{} => %({})s").format(sql.Identifier(name), sql.SQL(name)) for name in names
    )
    return sql.SQL("SELECT * FROM {}({})").format(sql.Identifier(_checked(function)), arguments)


def _checked(function: str) -> str:
    if not function.isidentifier():
        raise ValueError("not a function name")
    return function
