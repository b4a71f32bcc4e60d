"""Ways to a guarded SQL function: inside the scope's transaction, or alone in autocommit."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from functools import cache
from secrets import token_hex
from typing import Any, cast
from weakref import WeakKeyDictionary

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Engine, event, text

from kameng.db.session import db, engine, in_transaction
from kameng.places import Places

Row = dict[str, Any]
# The server has no such statement (a pooler in between), or its functions have been made anew.
UNPREPARED = (b"26000", b"0A000", b"42883")


# Server processes are fast while what they know lies in the processor's caches; sixteen push each
# other out, and a few at once sell a quarter more. The rest wait here, but not for long: one that
# waits for a row's lock must not hold up all others.
AT_ONCE, PATIENCE_S = 3, 0.05
_places = Places(AT_ONCE)


def run(function: str, **params: Any) -> list[Row]:
    """Call a guarded function inside the scope's transaction; the caller commits."""
    arguments = ", ".join(f"{name} => :{name}" for name in params)
    result = db.session.execute(text(f"SELECT * FROM {_checked(function)}({arguments})"), params)
    return [dict(row) for row in result.mappings()]


def call(function: str, *, as_main: bool = False, **params: Any) -> Row:
    """Call a guarded function as ONE statement in autocommit and return its row.

    `as_main`: as role main, for what no station's page may ever run (money has arrived).

    The statement is the whole transaction (design §8); the function sets the scope itself from its
    `p_station`. This is the only raw connection in the product, and it goes the shortest way there
    is: prepared once for each connection, one blocking call of libpq. A connection that died with
    a restart of PostgreSQL is replaced and the call repeated: the functions are keyed.
    """
    row = call_or_none(function, as_main=as_main, **params)
    if row is None:
        raise RuntimeError(f"{function} returned nothing")
    return row


def call_or_none(function: str, *, as_main: bool = False, **params: Any) -> Row | None:
    """The same for a function that may find nothing."""
    if in_transaction():
        raise RuntimeError(f"{function} must not wait behind an open transaction of the same scope")
    statement = _statement(function, tuple(params))
    hot = engine("hot_main" if as_main else "hot")
    placed = _places.take(PATIENCE_S)
    try:
        return _repeated(hot, statement, tuple(params.values()))
    finally:
        if placed:
            _places.give()


def _repeated(hot: Engine, statement: bytes, values: tuple[Any, ...]) -> Row | None:
    try:
        return _fetch(hot, statement, values)
    except _Lost:
        hot.dispose()
        return _fetch(hot, statement, values)


class _Lost(psycopg.OperationalError):
    """The connection had died before or while it was used."""


@dataclass(slots=True)
class _Prepared:
    """A statement that a connection knows by name, the columns of its answer, and their reader."""

    name: bytes
    reader: Any  # a psycopg Transformer, which has no type to name
    columns: tuple[str, ...] = ()


@dataclass(slots=True)
class _Hot:
    """A connection in autocommit and what is prepared on it."""

    driver: psycopg.Connection[Any]
    known: dict[bytes, _Prepared] = field(default_factory=dict)


class _Idle:
    """Hot connections that nobody uses, by engine: never more than threads have used at once.

    The engine's own pool takes as long to hand one out as libpq takes to send the statement.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know of none: what a fork has copied belongs to the parent."""
        self._kept: WeakKeyDictionary[Engine, deque[_Hot]] = WeakKeyDictionary()

    def take(self, hot: Engine) -> _Hot:
        """The one used last, else a new one."""
        try:
            return self._kept[hot].pop()
        except (KeyError, IndexError):
            fairy = hot.raw_connection()
            driver = cast("psycopg.Connection[Any]", fairy.driver_connection)
            fairy.detach()
            return _Hot(driver)

    def give(self, hot: Engine, one: _Hot) -> None:
        """Back for the next."""
        self._kept.setdefault(hot, deque()).append(one)

    def close(self, hot: Engine) -> None:
        """Close all of an engine."""
        for one in self._kept.pop(hot, ()):
            one.driver.close()


_idle = _Idle()
os.register_at_fork(after_in_child=_idle.forget)


@event.listens_for(Engine, "engine_disposed")
def _disposed(hot: Engine) -> None:
    _idle.close(hot)


def _fetch(hot: Engine, statement: bytes, values: tuple[Any, ...]) -> Row | None:
    one = _idle.take(hot)
    try:
        result = _execute(one.driver, statement, values, one.known)
        prepared = one.known[statement]
        prepared.reader.set_pgresult(result)
        row = prepared.reader.load_row(0, tuple) if result.ntuples else None
        prepared.columns = prepared.columns or _names(result)
    except psycopg.DatabaseError as error:  # a killed server leaves no SQLSTATE to tell it by
        if one.driver.pgconn.status == ConnStatus.OK:
            raise
        raise _Lost(str(error)) from error
    finally:
        if one.driver.pgconn.status == ConnStatus.OK:
            _idle.give(hot, one)
        else:
            one.driver.close()
    return None if row is None else dict(zip(prepared.columns, row, strict=True))


def _execute(
    driver: psycopg.Connection[Any], statement: bytes, values: tuple[Any, ...],
    known: dict[bytes, _Prepared],
) -> PGresult:  # fmt: skip
    """Run it, prepared under a name; prepared anew when the server has another idea of it."""
    pgconn = driver.pgconn
    prepared = known.get(statement)
    if prepared is not None:
        result = pgconn.exec_prepared(prepared.name, _dumped(prepared.reader, values))
        if result.error_field(DiagnosticField.SQLSTATE) not in UNPREPARED:
            return _sound(result)
    # A name that nobody else has: behind a pooler the next process may meet this very connection.
    prepared = _Prepared(b"kameng_" + token_hex(8).encode(), Transformer(driver))
    _sound(pgconn.prepare(prepared.name, statement))
    known[statement] = prepared
    return _sound(pgconn.exec_prepared(prepared.name, _dumped(prepared.reader, values)))


def _sound(result: PGresult) -> PGresult:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise psycopg.errors.error_from_result(result)
    return result


def _dumped(writer: Any, values: tuple[Any, ...]) -> list[bytes]:
    """As text, since the function's arguments say what it is; None stays None."""
    return cast("list[bytes]", writer.dump_sequence(values, [PyFormat.TEXT] * len(values)))


def _names(result: PGresult) -> tuple[str, ...]:
    return tuple((result.fname(n) or b"").decode() for n in range(result.nfields))


@cache
def _statement(function: str, names: tuple[str, ...]) -> bytes:
    arguments = ", ".join(f"{_checked(name)} => ${n}" for n, name in enumerate(names, 1))
    return f"SELECT * FROM {_checked(function)}({arguments})".encode()


def _checked(function: str) -> str:
    if not function.isidentifier():
        raise ValueError("not a function name")
    return function
