"""Which interfaces a station lets programs speak."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng import epoch
from kameng.db import current_scope, db
from kameng.errors import DomainError
from kameng.identity.api import audit
from kameng.openapi.domain.callers import DIALECTS, Dialect, switched_on

_READ = text("SELECT dialect, enabled FROM dock_switch WHERE station_id = :station")
_PUT = text(
    "INSERT INTO dock_switch(station_id, dialect, enabled, changed_by)"
    " VALUES (:station, :dialect, :enabled, :actor) ON CONFLICT (station_id, dialect) DO UPDATE"
    " SET enabled = EXCLUDED.enabled, changed_by = EXCLUDED.changed_by, changed_at = now()"
)


def stored_switches(station_id: int | None = None) -> Mapping[str, bool]:
    """What the station has said itself; main scope names the station."""
    given = {"station": station_id or current_scope().station_id}
    return {row.dialect: row.enabled for row in db.session.execute(_READ, given)}


def dialect_switches(station_id: int | None = None) -> dict[Dialect, bool]:
    """Every interface and whether it is on at the station."""
    stored = stored_switches(station_id)
    return {dialect: switched_on(dialect, stored) for dialect in DIALECTS}


def switch_dialect(
    dialect: str, enabled: bool, actor: str, *, station_id: int | None = None
) -> None:
    """Switch one; counts from the next request on. Commits."""
    if dialect not in DIALECTS:
        raise DomainError("dialect_unknown", _l("没有这个接口"), 404)
    station = station_id or current_scope().station_id
    given = {"station": station, "dialect": dialect, "enabled": enabled, "actor": actor}
    db.session.execute(_PUT, given)
    audit(actor, "dock.switch", f"dialect:{dialect}", {"enabled": enabled}, station_id=station)
    db.session.commit()
    epoch.renew()
