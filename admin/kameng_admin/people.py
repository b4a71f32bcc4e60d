"""Who is at the console, what they may, and what they did."""

from __future__ import annotations

from typing import Any

from kameng.identity import api as identity
from kameng.web.viewer import current_viewer
from kameng_admin.texts import actor_text

MAIN_STATION = 1


def viewer_can(permission: str) -> bool:
    """Whether the viewer, as staff of the main station, holds a permission."""
    viewer = current_viewer()
    return viewer.kind == "staff" and viewer.station_id == MAIN_STATION and viewer.can(permission)


def permission_label(permission: str) -> Any:
    """A permission in words."""
    return identity.PERMISSIONS.get(permission, permission)


def roles_with(permission: str) -> list[str]:
    """Names of the main station's roles that hold a permission."""
    roles = identity.list_roles(MAIN_STATION)
    return [role.name for role in roles if {"*", permission} & set(role.permissions)]


def actor() -> str:
    """The viewer as audit events name people."""
    return current_viewer().actor


def record(action: str, subject: str, detail: dict[str, Any] | None = None) -> None:
    """Write an audit event for something the console did itself, and commit it."""
    from kameng.db import db
    from kameng.web.limits import client_ip

    identity.audit(actor(), action, subject, detail or {}, client_ip())
    db.session.commit()


__all__ = [
    "actor",
    "actor_text",
    "permission_label",
    "record",
    "roles_with",
    "viewer_can",
]
