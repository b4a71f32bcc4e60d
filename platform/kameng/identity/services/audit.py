"""The audit trail: written in the transaction of the deed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from kameng.db import db
from kameng.identity.models import AuditEvent
from kameng.identity.services.scopes import scope_station
from kameng.logging import mask_value


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the trail."""

    id: int
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    ip: str
    at: datetime


def audit(
    actor: str,
    action: str,
    subject: str = "",
    detail: Mapping[str, Any] | None = None,
    ip: str = "",
    *,
    station_id: int | None = None,
) -> None:
    """Add a line in the open transaction; the caller commits it together with the deed.

    `detail` is masked as logs are. `station_id` is the scope's, or the main station's.
    """
    event = AuditEvent(
        station_id=station_id or scope_station(),
        actor=actor,
        action=action,
        subject=subject,
        detail=mask_value(dict(detail or {})),
        ip=ip,
    )
    db.session.add(event)


def audit_trail(
    subject: str = "", *, station_id: int | None = None, actor: str = "", limit: int = 100
) -> list[AuditEntry]:
    """Newest lines first, of one subject or one actor (or all) at a station."""
    query = select(AuditEvent).where(AuditEvent.station_id == (station_id or scope_station()))
    if subject:
        query = query.where(AuditEvent.subject == subject)
    if actor:
        query = query.where(AuditEvent.actor == actor)
    rows = db.session.scalars(query.order_by(AuditEvent.id.desc()).limit(limit))
    return [
        AuditEntry(row.id, row.actor, row.action, row.subject, row.detail, row.ip, row.at)
        for row in rows
    ]
