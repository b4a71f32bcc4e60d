"""Stations for other contexts and for the faces."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from kameng.errors import NotFound
from kameng.stations.domain import TRANSITIONS
from kameng.stations.services.applications import (
    Application,
    ApplicationView,
    application_status,
    apply_station,
    approve_application,
    get_application,
    list_applications,
    reject_application,
    shop_url,
)
from kameng.stations.services.hosts import (
    StationInfo,
    forget_hosts,
    guess_host,
    learn_host,
    load_station,
    normalise_host,
    resolve_host,
)
from kameng.stations.services.management import (
    STATE_LABELS,
    StationView,
    hosts_of,
    list_stations,
    set_grade,
    set_state,
    state_counts,
    tree,
    update_profile,
)
from kameng.stations.services.opening import create_main_station, host_of
from kameng.stations.services.rules import StationInvalid, checked_name, checked_slug

__all__ = [
    "STATE_LABELS",
    "TRANSITIONS",
    "Application",
    "ApplicationView",
    "StationInfo",
    "StationInvalid",
    "StationView",
    "application_status",
    "apply_station",
    "approve_application",
    "checked_name",
    "checked_slug",
    "create_main_station",
    "forget_hosts",
    "get_application",
    "guess_host",
    "host_of",
    "hosts_of",
    "learn_host",
    "list_applications",
    "list_stations",
    "load_station",
    "normalise_host",
    "reject_application",
    "resolve_host",
    "set_grade",
    "set_state",
    "shop_url",
    "state_counts",
    "station_info",
    "tree",
    "update_profile",
]


def station_info(station_id: int) -> StationInfo:
    """A station the open scope may see; raises `NotFound`."""
    station = load_station(station_id)
    if station is None:
        raise NotFound("station_unknown", _l("店铺不存在。"))
    return station
