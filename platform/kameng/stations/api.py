"""Stations for other contexts and for the faces."""

from __future__ import annotations

from kameng.errors import NotFound
from kameng.stations.services.hosts import (
    StationInfo,
    forget_hosts,
    load_station,
    resolve_host,
)

__all__ = ["StationInfo", "forget_hosts", "resolve_host", "station_info"]


def station_info(station_id: int) -> StationInfo:
    """A station the open scope may see; raises `NotFound`."""
    station = load_station(station_id)
    if station is None:
        raise NotFound("station_unknown")
    return station
