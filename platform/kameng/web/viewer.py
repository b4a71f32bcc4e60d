"""Who is looking: guest, member or staff; login, logout and what needs them."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Flask, g, redirect, request
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError, Forbidden, Unavailable
from kameng.identity import api as identity
from kameng.web.sessions import DESK_PATHS, current_session, sessions_work

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person behind a request."""

    kind: str  # guest | member | staff
    id: int = 0
    name: str = ""
    login: str = ""
    permissions: frozenset[str] = frozenset()
    station_id: int = 0

    @property
    def actor(self) -> str:
        """How this person stands in audit events: `member:7`, `staff:3`, `guest`."""
        return f"{self.kind}:{self.id}" if self.id else self.kind

    def can(self, permission: str) -> bool:
        """Whether staff hold a permission (`*` holds all)."""
        return self.kind == "staff" and bool({"*", permission} & self.permissions)


GUEST = Viewer("guest")


def init_viewer(app: Flask) -> None:
    """Set `g.viewer` on every request."""
    app.before_request(_load)


def current_viewer() -> Viewer:
    """The viewer of this request; a guest outside of pages."""
    return cast(Viewer, g.get("viewer", GUEST))


def login_session(kind: str, id: int) -> None:
    """Start a new session with a new id for a member or a staff of this station."""
    found = _account(kind, id)
    if found is None:
        raise LookupError(f"no active {kind} {id} at this station")
    viewer, mark = found
    if not sessions_work():
        raise Unavailable("sessions_down", _l("登录服务暂时不可用，请稍后再试。"))
    current_session().start(kind, id, mark)
    g.viewer = viewer


def logout_session() -> None:
    """End the session here and in Redis."""
    current_session().start()
    g.viewer = GUEST


def require_member(view: Callable[P, R]) -> Callable[P, R | BaseResponse]:
    """Send guests to the login page and back."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | BaseResponse:
        if current_viewer().kind != "member":
            return to_login()
        return view(*args, **kwargs)

    return guarded


def require_staff(permission: str) -> Callable[[Callable[P, R]], Callable[P, R | BaseResponse]]:
    """Let only staff with a permission pass; `""` asks for staff of any role."""

    def decorate(view: Callable[P, R]) -> Callable[P, R | BaseResponse]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | BaseResponse:
            if current_viewer().kind != "staff":
                return to_login()
            check_permission(permission)
            return view(*args, **kwargs)

        return guarded

    return decorate


def check_permission(permission: str) -> None:
    """Raise `Forbidden` unless the viewer is staff holding the permission."""
    viewer = current_viewer()
    if viewer.kind != "staff" or (permission and not viewer.can(permission)):
        raise Forbidden("forbidden", _l("您的角色没有此权限。"), permission=permission)


def to_login() -> BaseResponse:
    """Redirect to the login page of this part of the site; programs get 401."""
    from kameng.web.error_pages import wants_json

    if wants_json():
        raise DomainError("login_required", _l("请先登录"), 401)
    desk = next((path for path in DESK_PATHS if request.path.startswith(path)), "")
    back = request.full_path.rstrip("?") if request.method == "GET" else ""
    response = redirect(f"{desk}/login" + (f"?next={_quoted(back)}" if back else ""))
    if request.headers.get("HX-Request"):
        response.headers["HX-Redirect"] = response.headers["Location"]
        response.status_code = 204
    return response


def safe_next(target: str | None, default: str = "/") -> str:
    """A path on this very host to go to after login; anything else becomes the default."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return default
    if any(ord(char) < 32 or char == "\\" for char in target):
        return default
    return target


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path, safe="/")


def _load() -> None:
    g.viewer = GUEST
    if g.get("station") is None or g.get("audience") in ("internal", "webhook", "api", "supplier"):
        return
    current = current_session()
    owner = current.owner if current.sid else None
    if owner and owner[0] == "supplier":
        return  # the portal knows its people itself; to all other pages they are guests
    found = _account(*owner) if owner else None
    # The mark changes with the password: sessions from before it are worth nothing.
    if found and hmac.compare_digest(found[1], str(current.record.get("mark", ""))):
        g.viewer = found[0]
    elif owner:
        current.start()


def _account(kind: str, id: int) -> tuple[Viewer, str] | None:
    """(viewer, credential mark) of an active account of this station."""
    station_id = g.station.id
    if kind == "staff":
        staff = identity.find_staff(station_id, id)
        if staff is None:
            return None
        viewer = Viewer("staff", id, staff.name, staff.login, staff.permissions, station_id)
        return viewer, staff.credential_mark
    member = identity.find_member(id, station_id=station_id)
    if member is None:
        return None
    viewer = Viewer("member", id, member.name, member.login, station_id=station_id)
    return viewer, member.credential_mark
