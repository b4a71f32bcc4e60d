"""Sessions on the server: random id in a `__Host-` cookie, content in Redis, bound to one host.

A cookie is looked up under its host's station and must name that host again inside, so a cookie
of one station means nothing at another. Shop, consoles and the suppliers' portal have sessions of
their own: staff rights never ride on a shopper's cookie. Without Redis everybody is a guest, and
guests can still buy.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import time
from collections.abc import Iterator
from typing import Any, cast

from flask import Flask, Request, Response, g
from flask.globals import request_ctx
from flask.sessions import SessionInterface, SessionMixin

from kameng import redis

log = logging.getLogger(__name__)

SHOP_COOKIE = "__Host-kameng"
DESK_COOKIE = "__Host-kameng-desk"
SUPPLIER_COOKIE = "__Host-kameng-supplier"
DESK_PATHS = ("/admin", "/console", "/supplier")
# Nobody reads a page there, whatever is wrong, and nobody has a session.
PROGRAMS = ("/api/", "/dock/", "/hooks/", "/supplier/api/")
COOKIES = {"/admin": DESK_COOKIE, "/console": DESK_COOKIE, "/supplier": SUPPLIER_COOKIE}
HOUR_S, DAY_S = 3600, 24 * 3600
TOUCH_S = 60  # how often a mere visit is written down

# (idle, absolute) lifetimes by who is logged in.
LIFETIMES = {
    "": (DAY_S, 7 * DAY_S),
    "member": (7 * DAY_S, 30 * DAY_S),
    "staff": (2 * HOUR_S, 12 * HOUR_S),
    "supplier": (2 * HOUR_S, 12 * HOUR_S),
}


class ServerSession(SessionMixin):
    """Loaded from Redis at first use; a guest who needs no session costs no round trip."""

    def __init__(self, sid: str | None, cookie: str, host: str) -> None:
        self.sid = sid
        self.cookie = cookie
        self.host = host
        self.old_sids: set[str] = set()
        self.stored = False  # whether it lies in Redis already
        self.modified = False
        self.accessed = False
        self._record: dict[str, Any] | None = None
        self._data: dict[str, Any] = {}

    @property
    def data(self) -> dict[str, Any]:
        """The content; reads Redis once."""
        if self._record is None:
            self._record = self._read() or {"created": int(time.time()), "used": 0, "kind": ""}
            self._data = self._record.get("data", {})
            self.accessed = True
        return self._data

    @property
    def record(self) -> dict[str, Any]:
        """Times and owner of the session."""
        _ = self.data
        return self._record or {}

    @property
    def owner(self) -> tuple[str, int] | None:
        """("member" | "staff" | "supplier", id) of who is logged in."""
        kind = self.record.get("kind", "") if self.sid else ""
        return (kind, int(self.record["owner"])) if kind else None

    @property
    def loaded(self) -> bool:
        """Whether Redis was asked or anything was put in."""
        return self._record is not None

    def start(self, kind: str = "", owner: int = 0, mark: str = "") -> None:
        """A new id and fresh times: at login and logout. Content is dropped.

        `mark` is the account's credential mark: when the password changes, the session ends.
        """
        if self.sid:
            self.old_sids.add(self.sid)
        self.sid, self.stored = secrets.token_urlsafe(32), False
        now = int(time.time())
        self._record = {"created": now, "used": 0, "kind": kind, "owner": owner, "mark": mark}
        self._data = {}
        self.modified = True

    def _read(self) -> dict[str, Any] | None:
        station = g.get("station")
        if self.sid is None or station is None:
            self.sid = None
            return None
        try:
            raw = redis.client().get(session_key(station.id, self.sid))
        except redis.RedisError as error:
            log.warning("sessions are unavailable: %s", type(error).__name__)
            self.sid = None
            g.sessions_down = True
            return None
        record = json.loads(raw) if raw else None  # type: ignore[arg-type]  # bytes
        if record is None or not self._valid(record, station.id):
            self.sid = None  # an id that we did not give out is never taken over
            return None
        self.stored = True
        return dict(record)

    def _valid(self, record: dict[str, Any], station_id: int) -> bool:
        idle, absolute = LIFETIMES[record["kind"]]
        now = time.time()
        return bool(
            record["station"] == station_id
            and record["host"] == self.host
            and record["cookie"] == self.cookie
            and now - record["used"] <= idle
            and now - record["created"] <= absolute
        )

    def __getitem__(self, name: str) -> Any:
        return self.data[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.data[name] = value
        self.modified = True

    def __delitem__(self, name: str) -> None:
        del self.data[name]
        self.modified = True

    def __contains__(self, name: object) -> bool:
        return name in self.data

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


class RedisSessions(SessionInterface):
    """Flask's session interface on our own store."""

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        """No Redis yet: host and station are known a moment later. Programs have no session."""
        if request.path.startswith(PROGRAMS):
            return ServerSession(None, SHOP_COOKIE, "")
        desk = (c for p, c in COOKIES.items() if f"{request.path}/".startswith(f"{p}/"))
        cookie = next(desk, SHOP_COOKIE)
        sid = request.cookies.get(cookie)
        return ServerSession(sid if _plausible(sid) else None, cookie, request.host.lower())

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed; a lost Redis costs the session, never the page."""
        if not isinstance(session, ServerSession) or not session.loaded:
            return
        response.vary.add("Cookie")
        station = g.get("station")
        if station is None or not _worth_writing(session):
            return
        try:
            _write(session, station.id)
        except redis.RedisError as error:
            log.warning("session could not be saved: %s", type(error).__name__)
            return
        _set_cookie(session, response)


def current_session() -> ServerSession:
    """The session of this request, behind Flask's proxy."""
    return cast(ServerSession, request_ctx.session)


def sessions_work() -> bool:
    """Whether a session could be kept now: nobody is told "welcome" for nothing."""
    try:
        return bool(redis.client().ping())
    except redis.RedisError:
        return False


def session_key(station_id: int, sid: str) -> str:
    """Where a session lies; its id itself is stored nowhere."""
    return redis.station_key(station_id, "session", _digest(sid))


def _worth_writing(session: ServerSession) -> bool:
    if session.modified:
        return bool(session.sid or len(session) or session.old_sids)
    return bool(session.sid) and time.time() - session.record["used"] > TOUCH_S


def _write(session: ServerSession, station_id: int) -> None:
    if session.sid is None:
        session.sid = secrets.token_urlsafe(32)
    kind = session.record["kind"]
    idle, absolute = LIFETIMES[kind]
    now = int(time.time())
    record = {
        **session.record,
        "station": station_id,
        "host": session.host,
        "cookie": session.cookie,
        "used": now,
        "data": session.data,
    }
    rest = max(1, min(idle, session.record["created"] + absolute - now))
    with redis.client().pipeline(transaction=False) as pipe:
        for old in session.old_sids:
            pipe.delete(session_key(station_id, old))
        if kind or len(session):
            # A logout in another request may have come in between: what it deleted stays deleted.
            pipe.set(
                session_key(station_id, session.sid), json.dumps(record), ex=rest,
                xx=session.stored,
            )  # fmt: skip
        if not kind and not len(session):
            pipe.delete(session_key(station_id, session.sid))
            session.sid = None
        pipe.execute()


def _set_cookie(session: ServerSession, response: Response) -> None:
    options: dict[str, Any] = {
        "path": "/",
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
    }
    if session.sid is None:
        response.delete_cookie(session.cookie, **options)
        return
    kind = session.record["kind"]
    # Staff and suppliers log in anew with each browser session; shoppers stay.
    max_age = None if kind in ("staff", "supplier") else LIFETIMES[kind][1]
    response.set_cookie(session.cookie, session.sid, max_age=max_age, **options)


def _digest(sid: str) -> str:
    return hashlib.sha256(sid.encode()).hexdigest()


def _plausible(sid: str | None) -> bool:
    return sid is not None and len(sid) == 43 and sid.isascii()
