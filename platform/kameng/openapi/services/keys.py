"""Keys of members: made, rotated, changed, revoked. Secrets are shown once and sealed at rest."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng import epoch, sealing
from kameng.db import current_scope, db
from kameng.errors import DomainError, NotFound
from kameng.identity.api import audit
from kameng.openapi.domain.callers import DIALECTS, SCOPES, Dialect, switched_on
from kameng.openapi.services.switches import stored_switches
from kameng.webhooks import api as webhooks

AREA = "openapi"
MOST_KEYS = 10
MOST_SECRETS = 2
MOST_NETWORKS = 50
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class SecretView:
    """A live secret, told apart by its last characters."""

    id: int
    hint: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A key without its secrets. `networks` empty: usable from anywhere."""

    id: int
    key_id: str
    station_id: int
    member_id: int
    dialect: Dialect
    mode: str
    name: str
    scopes: tuple[str, ...]
    networks: tuple[str, ...]
    per_minute: int
    callback_url: str
    state: str
    created_at: datetime
    last_used_at: datetime | None
    last_ip: str
    member_login: str = ""
    secrets: tuple[SecretView, ...] = ()


_COLUMNS = (
    "k.id, k.key_id, k.station_id, k.member_id, k.dialect, k.mode, k.name, k.scopes, k.networks,"
    " k.per_minute, k.callback_url, k.state, k.created_at, k.last_used_at, k.last_ip,"
    " m.login AS member_login"
)
_FROM = "FROM api_key k JOIN member m ON m.station_id = k.station_id AND m.id = k.member_id"
_OF_MEMBER = text(
    f"SELECT {_COLUMNS} {_FROM} WHERE k.station_id = :station AND k.member_id = :member"
    " ORDER BY k.state, k.id DESC"
)
_ONE = text(f"SELECT {_COLUMNS} {_FROM} WHERE k.station_id = :station AND k.id = :id")
_MANY = text(
    f"SELECT {_COLUMNS} {_FROM} WHERE (CAST(:station AS bigint) IS NULL OR k.station_id = :station)"
    " AND (:state = '' OR k.state = :state) AND (:dialect = '' OR k.dialect = :dialect)"
    " AND (:query = '' OR strpos(m.login, :query) > 0 OR k.key_id = :query)"
    " AND (CAST(:before AS timestamptz) IS NULL OR k.created_at < :before)"
    " ORDER BY k.created_at DESC, k.id DESC LIMIT :limit"
)
_SECRETS = text(
    "SELECT id, api_key_id, hint, created_at FROM api_secret WHERE state = 'live'"
    " AND station_id = :station AND api_key_id = ANY(:keys) ORDER BY id"
)
_INSERT = text(
    "INSERT INTO api_key(station_id, member_id, key_id, dialect, mode, name, scopes, networks,"
    " callback_url, created_by) VALUES (:station, :member, :key_id, :dialect, :mode, :name,"
    " :scopes, :networks, :callback_url, :actor) RETURNING id"
)
_INSERT_SECRET = text(
    "INSERT INTO api_secret(station_id, api_key_id, sealed, hint)"
    " VALUES (:station, :key, :sealed, :hint)"
)
_CHANGE = text(
    "UPDATE api_key SET name = :name, networks = :networks, callback_url = :callback_url"
    " WHERE station_id = :station AND id = :id"
)
_REVOKE = text(
    "UPDATE api_key SET state = 'revoked', revoked_at = now()"
    " WHERE station_id = :station AND id = :id AND state = 'active'"
)
_REVOKE_SECRET = text(
    "UPDATE api_secret SET state = 'revoked', revoked_at = now() WHERE station_id = :station"
    " AND api_key_id = :key AND id = :id AND state = 'live' RETURNING hint"
)
_LIMIT = text("UPDATE api_key SET per_minute = :limit WHERE station_id = :station AND id = :id")
_LOCK = text("SELECT 1 FROM member WHERE station_id = :station AND id = :member FOR UPDATE")


def keys_of(member_id: int) -> Sequence[KeyView]:
    """A member's keys at the scope's station with their live secrets, active ones first."""
    given = {"station": _station(), "member": member_id}
    return _with_secrets(db.session.execute(_OF_MEMBER, given))


def key_of(member_id: int, api_key_id: int) -> KeyView:
    """One of them; raises `NotFound`."""
    found = _with_secrets(db.session.execute(_ONE, {"station": _station(), "id": api_key_id}))
    if not found or found[0].member_id != member_id:
        raise NotFound("key_unknown", _l("没有这把密钥"))
    return found[0]


def list_keys(
    *, station_id: int | None = None, state: str = "", dialect: str = "", query: str = "",
    before: datetime | None = None, limit: int = 50,
) -> Sequence[KeyView]:  # fmt: skip
    """Keys of the scope's station, or of all in main scope; newest first, without secrets."""
    given = {
        "station": current_scope().station_id or station_id, "state": state, "dialect": dialect,
        "query": query.strip(), "before": before, "limit": min(limit, 200),
    }  # fmt: skip
    return [_view(row) for row in db.session.execute(_MANY, given).mappings()]


def make_key(
    member_id: int, *, name: str, dialect: Dialect = "native", sandbox: bool = False,
    scopes: Collection[str] = SCOPES, networks: Sequence[str] = (), callback_url: str = "",
    actor: str,
) -> tuple[str, str]:  # fmt: skip
    """A new key: (its id, its secret), the secret this once. Station scope; commits.

    Raises `DomainError`: too_many_keys, key_name, scopes_invalid, networks_invalid,
    notify_url_invalid, dialect_off.
    """
    if dialect not in DIALECTS or not switched_on(dialect, stored_switches()):
        raise DomainError("dialect_off", _l("本店没有开放这个接口"), 403)
    chosen = [scope for scope in SCOPES if scope in scopes]
    if not chosen or not set(scopes) <= set(SCOPES):
        raise DomainError("scopes_invalid", _l("请至少选一项权限"), 422)
    station = _station()
    # Two requests at once must not pass the limit together.
    db.session.execute(_LOCK, {"station": station, "member": member_id})
    if sum(key.state == "active" for key in keys_of(member_id)) >= MOST_KEYS:
        raise DomainError("too_many_keys", _l("最多 10 把有效的密钥，请先停用不用的"), 422)
    key_id = _new_key_id(dialect)
    given = {
        "station": station, "member": member_id, "key_id": key_id, "dialect": dialect,
        "mode": "sandbox" if sandbox else "live", "name": _name(name),
        "scopes": list(SCOPES) if dialect != "native" else chosen,
        "networks": _networks(networks), "callback_url": _callback(callback_url), "actor": actor,
    }  # fmt: skip
    number = int(db.session.execute(_INSERT, given).scalar_one())
    secret = _put_secret(station, number)
    _note(actor, "api_key.make", key_id, {"member": member_id, "dialect": dialect})
    return key_id, secret


def add_secret(member_id: int, api_key_id: int, actor: str) -> str:
    """A second live secret, shown this once: the first goes when all use the new one. Commits."""
    db.session.execute(_LOCK, {"station": _station(), "member": member_id})
    key = _active(member_id, api_key_id)
    if len(key.secrets) >= MOST_SECRETS:
        raise DomainError("too_many_secrets", _l("已有两个有效的密钥，请先停用旧的"), 422)
    secret = _put_secret(_station(), api_key_id)
    _note(actor, "api_key.secret", key.key_id, {})
    return secret


def revoke_secret(member_id: int, api_key_id: int, secret_id: int, actor: str) -> None:
    """Stop a secret at once; not the only one. Commits."""
    db.session.execute(_LOCK, {"station": _station(), "member": member_id})
    key = _active(member_id, api_key_id)
    if len(key.secrets) < MOST_SECRETS:
        raise DomainError("last_secret", _l("这是唯一的密钥；不用了请停用整把"), 422)
    given = {"station": _station(), "key": api_key_id, "id": secret_id}
    hint = db.session.execute(_REVOKE_SECRET, given).scalar()
    if hint is None:
        raise NotFound("secret_unknown", _l("没有这个有效的密钥"))
    _note(actor, "api_key.secret_revoke", key.key_id, {"hint": hint})


def change_key(
    member_id: int, api_key_id: int, *, name: str, networks: Sequence[str], callback_url: str,
    actor: str,
) -> None:  # fmt: skip
    """Change its name, from where it may be used, where notices go. Commits."""
    key = _active(member_id, api_key_id)
    given = {
        "station": _station(), "id": api_key_id, "name": _name(name),
        "networks": _networks(networks), "callback_url": _callback(callback_url),
    }  # fmt: skip
    db.session.execute(_CHANGE, given)
    _note(actor, "api_key.change", key.key_id, {"networks": given["networks"]})


def revoke_key(member_id: int, api_key_id: int, actor: str, reason: str = "") -> None:
    """Stop a key for ever, at once. Commits; raises `NotFound`."""
    key = key_of(member_id, api_key_id)
    db.session.execute(_REVOKE, {"station": _station(), "id": api_key_id})
    _note(actor, "api_key.revoke", key.key_id, {"reason": reason})


def revoke_at(station_id: int, api_key_id: int, actor: str, reason: str) -> None:
    """The same by staff, in the station's scope or main scope. Commits; raises `NotFound`."""
    found = db.session.execute(_ONE, {"station": station_id, "id": api_key_id}).mappings().first()
    if found is None:
        raise NotFound("key_unknown", _l("没有这把密钥"))
    db.session.execute(_REVOKE, {"station": station_id, "id": api_key_id})
    _note(actor, "api_key.revoke", found["key_id"], {"reason": reason}, station_id)


def set_limit(station_id: int, api_key_id: int, per_minute: int, actor: str) -> None:
    """How many requests a minute a key may send (main scope). Commits."""
    if not 1 <= per_minute <= 1_000_000:
        raise DomainError("limit_invalid", _l("每分钟 1 到 1000000 次"), 422)
    found = db.session.execute(_ONE, {"station": station_id, "id": api_key_id}).mappings().first()
    if found is None:
        raise NotFound("key_unknown", _l("没有这把密钥"))
    db.session.execute(_LIMIT, {"station": station_id, "id": api_key_id, "limit": per_minute})
    _note(actor, "api_key.limit", found["key_id"], {"per_minute": per_minute}, station_id)


def reseal_all() -> int:
    """Seal all secrets with the present master key (main scope); returns how many."""
    rows = db.session.execute(
        text("SELECT station_id, id, api_key_id, sealed FROM api_secret WHERE state = 'live'")
    ).all()
    for row in rows:
        place = place_of(row.station_id, row.api_key_id)
        again = sealing.seal(AREA, place, sealing.unseal(AREA, place, bytes(row.sealed)))
        db.session.execute(
            text("UPDATE api_secret SET sealed = :sealed WHERE station_id = :s AND id = :id"),
            {"sealed": again, "s": row.station_id, "id": row.id},
        )
    db.session.commit()
    return len(rows)


def place_of(station_id: int, api_key_id: int) -> str:
    """What a secret is bound to."""
    return f"{station_id}|{api_key_id}"


def _put_secret(station: int, number: int) -> str:
    secret = secrets.token_urlsafe(32)
    sealed = sealing.seal(AREA, place_of(station, number), secret.encode())
    given = {"station": station, "key": number, "sealed": sealed, "hint": secret[-4:]}
    db.session.execute(_INSERT_SECRET, given)
    return secret


def _active(member_id: int, api_key_id: int) -> KeyView:
    key = key_of(member_id, api_key_id)
    if key.state != "active":
        raise NotFound("key_unknown", _l("没有这把密钥"))
    return key


def _note(
    actor: str, action: str, key_id: str, detail: dict[str, Any], station_id: int | None = None
) -> None:
    audit(actor, action, f"api_key:{key_id}", detail, station_id=station_id)
    db.session.commit()
    epoch.renew()


def _new_key_id(dialect: Dialect) -> str:
    if dialect in ("native", "dujiao-next"):
        return "KM" + "".join(secrets.choice(ALPHABET) for _n in range(16))
    return str(10**9 + secrets.randbelow(9 * 10**9))  # these systems know account numbers


def _name(name: str) -> str:
    plain = " ".join(name.replace("\0", "").split())[:40]
    if not plain:
        raise DomainError("key_name", _l("请给密钥起个名字"), 422)
    return plain


def _networks(given: Sequence[str]) -> list[str]:
    found = []
    for line in (piece.strip() for piece in given):
        try:
            found += [str(ipaddress.ip_network(line))] if line else []
        except ValueError:
            raise DomainError(
                "networks_invalid", _l("IP 白名单里有一行不对"), 422, line=line[:60]
            ) from None
    if len(found) > MOST_NETWORKS:
        raise DomainError("networks_invalid", _l("IP 白名单最多 50 行"), 422)
    return list(dict.fromkeys(found))


def _callback(url: str) -> str:
    if url.strip():
        webhooks.check_url(url.strip())
    return url.strip()


def _with_secrets(rows: Any) -> list[KeyView]:
    views = [_view(row) for row in rows.mappings()]
    given = {"station": _station(), "keys": [view.id for view in views]}
    found: dict[int, list[SecretView]] = {}
    for row in db.session.execute(_SECRETS, given):
        found.setdefault(row.api_key_id, []).append(SecretView(row.id, row.hint, row.created_at))
    return [replace(view, secrets=tuple(found.get(view.id, ()))) for view in views]


def _view(row: Any) -> KeyView:
    values = dict(row)
    return KeyView(
        **{**values, "scopes": tuple(values["scopes"]), "networks": tuple(values["networks"])}
    )


def _station() -> int:
    station_id = current_scope().station_id
    if station_id is None:
        raise RuntimeError("keys belong to a station: open its scope")
    return station_id
