"""Scopes: no scope, no query. One scope is one session on one role.

`station_scope(7)` works as role *app* and sees the rows of station 7 alone; `main_scope(reason=…)`
works as role *main* and is the single, searchable way across stations; `supplier_scope(3)` works
as role *supplier* and sees what concerns supplier 3.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
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


class Opening(AbstractContextManager["Scope"]):
    """What `with` opens and closes; every request does, so no generator stands around it."""

    __slots__ = ("_scope", "_token")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __enter__(self) -> Scope:
        outer = _current.get()
        if outer is not None:
            _refuse_mixing(outer, self._scope)
        self._token = _current.set(self._scope)
        return self._scope

    def __exit__(self, *_error: object) -> None:
        try:
            for close in _closers:
                close()
        finally:
            _current.reset(self._token)


def _refuse_mixing(outer: Scope, inner: Scope) -> None:
    if inner.role == "app" and outer.role == "app" and outer.station_id != inner.station_id:
        raise NoScope(
            f"scope of station {inner.station_id} asked for inside station {outer.station_id}"
        )
    if inner.role == "app" and outer.role == "supplier":
        raise NoScope(f"scope of station {inner.station_id} asked for inside a supplier's")
    if inner.role == outer.role == "supplier" and outer.supplier_id != inner.supplier_id:
        raise NoScope(f"scope of supplier {inner.supplier_id} asked for inside {outer.supplier_id}")


def station_scope(station_id: int) -> Opening:
    """Open a unit of work of one station (role app, row level security on that station).

    A station's scope cannot be opened inside another station's: that would mix tenants.
    """
    return Opening(Scope("app", int(station_id), "station"))


def main_scope(*, reason: str) -> Opening:
    """Open a unit of work across stations (role main). `reason` stands in the log."""
    if not reason:
        raise ValueError("main_scope needs a reason")
    return Opening(Scope("main", None, reason))


def supplier_scope(supplier_id: int) -> Opening:
    """Open a unit of work of one supplier's people (role supplier, row level security on it)."""
    return Opening(Scope("supplier", None, "supplier", int(supplier_id)))
