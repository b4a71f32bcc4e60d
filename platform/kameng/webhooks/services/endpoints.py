"""Endpoints of a member: where its programs listen, for what, and the secrets that sign."""

from __future__ import annotations

import secrets as chance
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, text

from kameng.db import current_scope, db
from kameng.errors import Conflict, DomainError, NotFound
from kameng.webhooks.domain.events import EVENTS
from kameng.webhooks.domain.signing import SECRET_BYTES, secret_text
from kameng.webhooks.services.addresses import check_url
from kameng.webhooks.services.sealing import seal

MOST = 10  # endpoints of one member
OLD_COUNTS_FOR = timedelta(hours=24)
LONGEST_ABOUT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """An endpoint without its secrets. ``events`` empty: all. ``old_until``: two secrets sign.

    ``state``: active, paused (by its owner, or because nothing was taken for days) or gone (it
    answered 410); ``failing_since`` is the first failure since it last took something.
    """

    id: int
    url: str = field(repr=False)
    about: str
    events: tuple[str, ...]
    state: str
    reason: str
    created_at: datetime
    last_ok_at: datetime | None
    failing_since: datetime | None
    old_until: datetime | None


_COLUMNS = (
    "id, url, about, events, state, reason, created_at, last_ok_at, failing_since,"
    " CASE WHEN old_until > now() THEN old_until END AS old_until"
)
_LIST = text(
    f"SELECT {_COLUMNS} FROM webhook_endpoint"
    " WHERE station_id = :station AND member_id = :member AND state <> 'removed' ORDER BY id"
)
_ONE = text(
    f"SELECT {_COLUMNS} FROM webhook_endpoint WHERE station_id = :station"
    " AND member_id = :member AND id = :id AND state <> 'removed'"
)
# One member's endpoints are changed one after the other: else two requests could both be the tenth.
_IN_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('kameng.webhooks', :member))")
_INSERT = text(
    "INSERT INTO webhook_endpoint(station_id, member_id, url, about, events, sealed)"
    " VALUES (:station, :member, :url, :about, :events, :sealed) RETURNING id"
)
_OWN = " WHERE station_id = :station AND member_id = :member AND id = :id AND state <> 'removed'"
_CHANGE = text(
    "UPDATE webhook_endpoint SET url = :url, about = :about, events = :events,"
    f" failing_since = CASE WHEN url = :url THEN failing_since END{_OWN} RETURNING id"
)
_PAUSE = text(
    f"UPDATE webhook_endpoint SET state = 'paused', reason = ''{_OWN} AND state = 'active'"
    " RETURNING id"
)
_RESUME = text(
    "UPDATE webhook_endpoint SET state = 'active', reason = '', failing_since = NULL"
    f"{_OWN} RETURNING id"
)
_REMOVE = text(
    # What nobody needs any more is not kept: neither secret could ever be of use again.
    "UPDATE webhook_endpoint SET state = 'removed', sealed = '', sealed_old = NULL,"
    f" old_until = NULL{_OWN} RETURNING id"
)
_ROTATE = text(
    "UPDATE webhook_endpoint SET sealed_old = sealed, sealed = :sealed, old_until = now() + :keep"
    f"{_OWN} RETURNING id"
)
_DROP = text(
    "UPDATE webhook_delivery SET state = 'dropped', next_try_at = NULL, done_at = now()"
    " WHERE station_id = :station AND endpoint_id = :id AND state = 'due'"
)


def endpoints_of(member_id: int) -> Sequence[EndpointView]:
    """The member's endpoints, oldest first (station scope)."""
    return [_view(row) for row in db.session.execute(_LIST, _given(member_id)).all()]


def endpoint_of(member_id: int, endpoint_id: int) -> EndpointView:
    """One of them; raises `NotFound`."""
    row = db.session.execute(_ONE, _given(member_id, endpoint_id)).first()
    if row is None:
        raise NotFound("endpoint_unknown", _l("没有这个通知地址"))
    return _view(row)


def add_endpoint(
    member_id: int, url: str, about: str = "", events: Sequence[str] = ()
) -> tuple[int, str]:
    """A new endpoint and its secret, which is never shown again. Commits.

    Raises `DomainError` notify_url_invalid, events_unknown, `Conflict` endpoint_exists or
    too_many_endpoints.
    """
    wanted = _checked(url, about, events)
    db.session.execute(_IN_TURN, {"member": member_id})
    _refuse_same(member_id, wanted["url"])
    if len(endpoints_of(member_id)) >= MOST:
        raise Conflict("too_many_endpoints", _l("最多添加 10 个通知地址"))
    raw = chance.token_bytes(SECRET_BYTES)
    sealed = seal(_station(), member_id, raw)
    number = db.session.scalar(_INSERT, {**_given(member_id), **wanted, "sealed": sealed})
    db.session.commit()
    return int(number or 0), secret_text(raw)


def change_endpoint(
    member_id: int, endpoint_id: int, url: str, about: str = "", events: Sequence[str] = ()
) -> None:
    """Another address, note or choice of events; errors as for `add_endpoint`. Commits."""
    wanted = _checked(url, about, events)
    db.session.execute(_IN_TURN, {"member": member_id})
    _refuse_same(member_id, wanted["url"], endpoint_id)
    _do(_CHANGE, member_id, endpoint_id, **wanted)
    db.session.commit()


def pause_endpoint(member_id: int, endpoint_id: int) -> None:
    """Send nothing there until it is resumed; what is due is dropped and can be replayed."""
    endpoint_of(member_id, endpoint_id)
    db.session.execute(_PAUSE, _given(member_id, endpoint_id))
    drop_due(endpoint_id)
    db.session.commit()


def resume_endpoint(member_id: int, endpoint_id: int) -> None:
    """Send there again, from the next event on. Commits."""
    _do(_RESUME, member_id, endpoint_id)
    db.session.commit()


def remove_endpoint(member_id: int, endpoint_id: int) -> None:
    """Forget it with its secrets; its log stays until it is pruned. Commits."""
    _do(_REMOVE, member_id, endpoint_id)
    drop_due(endpoint_id)
    db.session.commit()


def rotate_secret(member_id: int, endpoint_id: int) -> str:
    """A new secret, never shown again; the old one signs beside it for 24 hours. Commits."""
    raw = chance.token_bytes(SECRET_BYTES)
    sealed = seal(_station(), member_id, raw)
    _do(_ROTATE, member_id, endpoint_id, sealed=sealed, keep=OLD_COUNTS_FOR)
    db.session.commit()
    return secret_text(raw)


def drop_due(endpoint_id: int) -> None:
    """Give up what is still to be sent to an endpoint of this station."""
    db.session.execute(_DROP, {"station": _station(), "id": endpoint_id})


def _do(statement: Any, member_id: int, endpoint_id: int, **values: Any) -> None:
    given = {**_given(member_id, endpoint_id), **values}
    if db.session.scalar(statement, given) is None:
        raise NotFound("endpoint_unknown", _l("没有这个通知地址"))


def _checked(url: str, about: str, events: Sequence[str]) -> dict[str, Any]:
    unknown = set(events) - set(EVENTS)
    if unknown:
        raise DomainError("events_unknown", _l("有不认识的事件"), events=sorted(unknown))
    plain = " ".join(about.split())[:LONGEST_ABOUT]
    return {
        "url": check_url(url), "about": plain, "events": [e for e in EVENTS if e in events],
    }  # fmt: skip


def _refuse_same(member_id: int, url: str, but: int = 0) -> None:
    if any(one.url == url and one.id != but for one in endpoints_of(member_id)):
        raise Conflict("endpoint_exists", _l("这个地址已经添加过"))


def _given(member_id: int, endpoint_id: int = 0) -> dict[str, Any]:
    return {"station": _station(), "member": member_id, "id": endpoint_id}


def _station() -> int:
    return int(current_scope().station_id or 0)


def _view(row: Row[Any]) -> EndpointView:
    return EndpointView(**{**row._asdict(), "events": tuple(row.events)})
