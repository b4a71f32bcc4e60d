"""Scopes: no scope, no query. One scope is one session on one role.

`station_scope(7)` works as role *app* and sees the rows of station 7 alone; `main_scope(reason=…)`
works as role *main* and is the single, searchable way across stations; `supplier_scope(3)` works
as role *supplier* and sees what concerns supplier 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count

_numbers = count(1)


class NoScope(RuntimeError):
    """A query was tried outside every scope, or a scope was opened inside a foreign one."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One unit of work: which role, which station or supplier, and why."""

    role: str  # "app", "main" or "supplier"
    station_id: int | None
    reason: str
    supplier_id: int | None = None
    number: int = field(default_factory=lambda: next(_numbers))


_current: ContextVar[Scope | None] = ContextVar("kameng_scope", default=None)
_closers: list[Callable[[], None]] = []


def when_closing(close: Callable[[], None]) -> Callable[[], None]:
    """Decorator: call this at the end of every scope (the session returns its connection)."""
    _closers.append(close)
    return close


def current_scope() -> Scope:
    """The open scope; raises `NoScope` when there is none."""
    scope = _current.get()
    if scope is None:
        raise NoScope("no scope is open: use station_scope(id) or main_scope(reason=…)")
    return scope


def maybe_scope() -> Scope | None:
    """The open scope or None, for logging and guards."""
    return _current.get()


@contextmanager
def _open(scope: Scope) -> Iterator[Scope]:
    token = _current.set(scope)
    try:
        yield scope
    finally:
        try:
            for close in _closers:
                close()
        finally:
            _current.reset(token)


@contextmanager
def station_scope(station_id: int) -> Iterator[Scope]:
    """Open a unit of work of one station (role app, row level security on that station).

    A station's scope cannot be opened inside another station's: that would mix tenants.
    """
    outer = _current.get()
    if outer is not None and outer.role == "app" and outer.station_id != station_id:
        raise NoScope(f"scope of station {station_id} asked for inside station {outer.station_id}")
    if outer is not None and outer.role == "supplier":
        raise NoScope(f"scope of station {station_id} asked for inside a supplier's")
    with _open(Scope("app", int(station_id), "station")) as scope:
        yield scope


@contextmanager
def main_scope(*, reason: str) -> Iterator[Scope]:
    """Open a unit of work across stations (role main). `reason` stands in the log."""
    if not reason:
        raise ValueError("main_scope needs a reason")
    with _open(Scope("main", None, reason)) as scope:
        yield scope


@contextmanager
def supplier_scope(supplier_id: int) -> Iterator[Scope]:
    """Open a unit of work of one supplier's people (role supplier, row level security on it)."""
    outer = _current.get()
    if outer is not None and outer.role == "supplier" and outer.supplier_id != supplier_id:
        raise NoScope(f"scope of supplier {supplier_id} asked for inside {outer.supplier_id}")
    with _open(Scope("supplier", None, "supplier", int(supplier_id))) as scope:
        yield scope
