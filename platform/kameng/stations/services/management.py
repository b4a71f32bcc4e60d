"""Running stations: state, profile, lists, the tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from kameng.db import current_scope, db, main_scope
from kameng.errors import Conflict, Forbidden, NotFound
from kameng.identity import api as identity
from kameng.stations import domain
from kameng.stations.models import Host, Station
from kameng.stations.services import rules
from kameng.stations.services.hosts import stations_changed

MAIN_STATION = 1

STATE_LABELS: dict[str, Any] = {
    "applied": _l("已申请"),
    "training": _l("培训中"),
    "trial": _l("试运营"),
    "active": _l("营业中"),
    "restricted": _l("受限"),
    "suspended": _l("已暂停"),
    "closed": _l("已关闭"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StationView:
    """A line in the list of stations."""

    id: int
    parent_id: int | None
    path: tuple[int, ...]
    slug: str
    name: str
    state: str
    grade: str
    theme: str
    host: str
    created_at: datetime
    opened_at: datetime | None

    @property
    def depth(self) -> int:
        """0 for the main station, 1 below it."""
        return len(self.path) - 1


def set_state(station_id: int, state: str, actor: str, reason: str = "", ip: str = "") -> None:
    """Move a station along its state machine (main scope).

    Raises `NotFound`, `Conflict` for a transition that does not exist, `Forbidden` for the main
    station. Shoppers see the change within seconds.
    """
    if station_id == MAIN_STATION:
        raise Forbidden("main_station", _l("主站的状态不能更改。"))
    station = db.session.scalar(select(Station).where(Station.id == station_id).with_for_update())
    if station is None:
        raise NotFound("station_unknown", _l("店铺不存在。"))
    if not domain.may_become(station.state, state):
        raise Conflict(
            "transition_invalid", _l("店铺当前状态不允许此操作。"), old=station.state, new=state
        )
    detail = {"from": station.state, "to": state, "reason": reason}
    station.state = state
    identity.audit(actor, "station.state", f"station:{station_id}", detail, ip, station_id=1)
    db.session.commit()
    stations_changed()


def set_grade(station_id: int, grade: str, actor: str) -> None:
    """Give another grade (main scope); prices follow through the caller's reprice."""
    station = db.session.get(Station, station_id)
    if station is None:
        raise NotFound("station_unknown", _l("店铺不存在。"))
    detail = {"from": station.grade, "to": grade}
    station.grade = grade
    identity.audit(actor, "station.grade", f"station:{station_id}", detail, station_id=1)
    db.session.commit()
    stations_changed()


def update_profile(
    station_id: int,
    *,
    name: str | None = None,
    tagline: str | None = None,
    theme: str | None = None,
    theme_settings: Mapping[str, Any] | None = None,
    notice: str | None = None,
    contact: Mapping[str, Any] | None = None,
    actor: str = "system",
    ip: str = "",
) -> None:
    """Change what is given; raises `StationInvalid` or `Conflict` with `facts["field"]`."""
    station = db.session.get(Station, station_id)
    if station is None:
        raise NotFound("station_unknown", _l("店铺不存在。"))
    changes: dict[str, Any] = {}
    if name is not None and name != station.name:
        changes["name"] = _free_name(name, station_id)
    if tagline is not None:
        changes["tagline"] = " ".join(tagline.split())[:60]
    if theme is not None:
        changes["theme"] = rules.checked_theme(theme)
    if theme_settings is not None:
        changes["theme_settings"] = dict(theme_settings)
    if notice is not None:
        changes["notice"] = notice.strip()[: rules.MAX_TEXT]
    if contact is not None:
        changes["contact"] = rules.clean_texts(contact, rules.CONTACT_FIELDS)
    for field, value in changes.items():
        setattr(station, field, value)
    identity.audit(
        actor,
        "station.profile",
        f"station:{station_id}",
        {"fields": sorted(changes)},
        ip,
        station_id=station_id,
    )
    db.session.commit()
    stations_changed()


def list_stations(state: str = "", query: str = "") -> list[StationView]:
    """Stations the open scope may see, in the order of the tree (main scope: all)."""
    chosen = (
        select(Station, func.min(Host.host))
        .outerjoin(Host, (Host.station_id == Station.id) & Host.active)
        .group_by(Station.id)
        .order_by(Station.path)
    )
    if state:
        chosen = chosen.where(Station.state == state)
    if query:
        chosen = chosen.where(
            Station.name.contains(query, autoescape=True)
            | Station.slug.contains(query.lower(), autoescape=True)
        )
    return [_view(station, host or "") for station, host in db.session.execute(chosen)]


def tree(station_id: int = MAIN_STATION) -> list[StationView]:
    """A station and everything below it, parents before children (main scope)."""
    return [view for view in list_stations() if station_id in view.path]


def state_counts() -> dict[str, int]:
    """How many stations are in each state (main scope)."""
    rows = db.session.execute(select(Station.state, func.count()).group_by(Station.state))
    return {state: count for state, count in rows}


def hosts_of(station_id: int) -> list[str]:
    """Active host names of a station."""
    return list(
        db.session.scalars(
            select(Host.host).where(Host.station_id == station_id, Host.active).order_by(Host.host)
        )
    )


def _free_name(name: str, station_id: int) -> str:
    name = rules.checked_name(name)
    if current_scope().role == "main":
        rules.refuse_taken("", name, except_station=station_id)
    else:
        # A station sees no other station's name: the comparison is the main station's to make.
        with main_scope(reason="compare station names"):
            rules.refuse_taken("", name, except_station=station_id)
    return name


def _view(station: Station, host: str) -> StationView:
    return StationView(
        id=station.id,
        parent_id=station.parent_id,
        path=tuple(station.path),
        slug=station.slug,
        name=station.name,
        state=station.state,
        grade=station.grade,
        theme=station.theme,
        host=host,
        created_at=station.created_at,
        opened_at=station.opened_at,
    )
