"""Making a station: the row, its host, its roles, its owner, its first price rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, text

from kameng.db import db
from kameng.identity import api as identity
from kameng.jobs import api as jobs
from kameng.runtime import current_settings
from kameng.stations.models import Host, Station
from kameng.stations.services.hosts import forget_hosts

__all__ = ["create_main_station", "forget_hosts", "host_of", "open_station"]

MAIN_STATION = 1
NEWCOMER_MARKUP = 10_800  # ×1.08 on what the station pays itself, until the owner decides


def create_main_station(
    name: str,
    *,
    tagline: str = "",
    theme: str = "qing",
    contact: Mapping[str, Any] | None = None,
    notice: str = "",
) -> int:
    """Station 1 with the main host and the builtin roles (main scope); safe to repeat."""
    if db.session.get(Station, MAIN_STATION) is None:
        db.session.add(
            Station(
                id=MAIN_STATION,
                parent_id=None,
                path=[MAIN_STATION],
                slug="main",
                name=name,
                tagline=tagline,
                state="active",
                grade="gold",
                theme=theme,
                contact=dict(contact or {}),
                notice=notice,
                opened_at=func.now(),
            )
        )
        db.session.flush()
        jobs.publish("station.opened", MAIN_STATION, {"station_id": MAIN_STATION})
    _add_host(current_settings().main_host, MAIN_STATION, "main")
    identity.seed_roles(MAIN_STATION)
    db.session.commit()
    forget_hosts()
    return MAIN_STATION


def open_station(
    parent_id: int,
    slug: str,
    name: str,
    *,
    theme: str,
    contact: Mapping[str, Any],
    owner_login: str,
    owner_name: str,
    owner_email: str = "",
    owner_password_hash: str,
    state: str = "active",
) -> int:
    """Everything a new station needs, in the open main scope; the caller commits."""
    station_id = _next_id()
    parent = db.session.get_one(Station, parent_id)
    db.session.add(
        Station(
            id=station_id,
            parent_id=parent_id,
            path=[*parent.path, station_id],
            slug=slug,
            name=name,
            state=state,
            theme=theme,
            contact=dict(contact),
            opened_at=func.now(),
        )
    )
    db.session.flush()
    _add_host(host_of(slug), station_id, "subdomain")
    identity.seed_roles(station_id)
    identity.create_staff(
        station_id,
        owner_login,
        owner_name,
        "",
        "owner",
        email=owner_email,
        password_hash=owner_password_hash,
        commit=False,
    )
    _add_first_rule(station_id)
    jobs.publish("station.opened", station_id, {"station_id": station_id})
    return station_id


def host_of(slug: str) -> str:
    """The host name of a slug under the base domain."""
    return f"{slug}.{current_settings().base_domain}".lower()


def _add_host(host: str, station_id: int, kind: str) -> None:
    if db.session.get(Host, host.lower()) is None:
        db.session.add(Host(host=host.lower(), station_id=station_id, kind=kind))
        db.session.flush()


def _next_id() -> int:
    """A number from the sequence that no station has (the main station took 1 by hand)."""
    while True:
        found: int = db.session.execute(
            text("SELECT nextval(pg_get_serial_sequence('station', 'id'))")
        ).scalar_one()
        if db.session.scalar(select(Station.id).where(Station.id == found)) is None:
            return found


def _add_first_rule(station_id: int) -> None:
    # The table is pricing's, which stands above stations; the row must come in this transaction,
    # so that the listings made from `station.opened` have a retail price from the first moment.
    db.session.execute(
        text(
            "INSERT INTO price_rule(station_id, purpose, operation, value, rounding_step, note)"
            " VALUES (:station, 'retail', 'multiply', :value, 100, :note)"
        ),
        {"station": station_id, "value": NEWCOMER_MARKUP, "note": "开店默认：进价 ×1.08"},
    )
