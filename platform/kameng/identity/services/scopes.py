"""Which station a use case is about, and how to reach what only role main may write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kameng.db import current_scope, main_scope

MAIN_STATION = 1


def scope_station() -> int:
    """The open scope's station; the console across stations works for the main station."""
    station_id = current_scope().station_id
    return MAIN_STATION if station_id is None else station_id


@contextmanager
def as_main(station_id: int, reason: str) -> Iterator[None]:
    """Role main for a write that role app may not do, never for a foreign station."""
    scope = current_scope()
    if scope.role == "main":
        yield
        return
    if scope.station_id != station_id:
        raise PermissionError(f"station {scope.station_id} may not manage station {station_id}")
    with main_scope(reason=reason):
        yield
