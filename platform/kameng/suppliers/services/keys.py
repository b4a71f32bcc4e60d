"""Keys with which a supplier's own system signs; made at the portal, shown once."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng import redis, signing
from kameng.db import db, main_scope, supplier_scope
from kameng.errors import DomainError, NotFound, Unavailable
from kameng.suppliers.services import sealing
from kameng.suppliers.services.noting import note

MOST_KEYS = 5
KEY_ID = re.compile(r"KS[a-z0-9]{16}")


class SignatureRefused(DomainError):
    """The request is not signed as it must be; the code says what is wrong."""

    default_status = 401


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key without its secret."""

    id: int
    key_id: str
    state: str
    created_by: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request says about itself."""

    key_id: str
    timestamp: str
    nonce: str
    signature: str
    method: str
    path: str
    body: bytes


_LIST = text(
    "SELECT id, key_id, state, created_by, created_at, last_used_at FROM supplier_key"
    " WHERE supplier_id = :supplier ORDER BY id DESC"
)
_INSERT = text(
    "INSERT INTO supplier_key(supplier_id, key_id, sealed, created_by)"
    " VALUES (:supplier, :key, :sealed, :who)"
)
_REVOKE = text(
    "UPDATE supplier_key SET state = 'revoked' WHERE supplier_id = :supplier AND id = :id"
    " AND state = 'active' RETURNING key_id"
)
_FIND = text(
    "SELECT k.supplier_id, k.sealed, s.state FROM supplier_key k JOIN supplier s"
    " ON s.id = k.supplier_id WHERE k.key_id = :key AND k.state = 'active'"
)
_USED = text(
    "UPDATE supplier_key SET last_used_at = now() WHERE key_id = :key"
    " AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')"
)


def keys_of(supplier_id: int) -> Sequence[KeyView]:
    """All keys, newest first; the supplier's own scope or main."""
    rows = db.session.execute(_LIST, {"supplier": supplier_id}).mappings()
    return [KeyView(**row) for row in rows]


def make_key(supplier_id: int, who: str) -> tuple[str, str]:
    """A new key: (its id, its secret), the secret this once. Opens the supplier's scope."""
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    key_id = "KS" + "".join(secrets.choice(alphabet) for _n in range(16))
    secret = secrets.token_urlsafe(32)
    with supplier_scope(supplier_id):
        if sum(key.state == "active" for key in keys_of(supplier_id)) >= MOST_KEYS:
            raise DomainError("too_many_keys", _l("最多 5 把有效的密钥，请先停用不用的"), 422)
        given = {
            "supplier": supplier_id, "key": key_id, "who": who,
            "sealed": sealing.seal(supplier_id, "key", secret.encode()),
        }  # fmt: skip
        db.session.execute(_INSERT, given)
        db.session.commit()
    note(supplier_id, "supplier.key", {"key": key_id, "name": who})
    return key_id, secret


def revoke_key(supplier_id: int, number: int) -> str:
    """Stop a key at once; its id. Opens the supplier's scope; raises `NotFound`."""
    with supplier_scope(supplier_id):
        key_id = db.session.scalar(_REVOKE, {"supplier": supplier_id, "id": number})
        if key_id is None:
            raise NotFound("key_unknown", _l("没有这把有效的密钥"))
        db.session.commit()
    note(supplier_id, "supplier.key_revoke", {"key": key_id})
    return str(key_id)


def supplier_of(signed: Signed) -> int:
    """Whose request this is. Opens main scope; each nonce works once.

    Raises `SignatureRefused` (key_unknown, timestamp_invalid, nonce_invalid, signature_invalid,
    nonce_used, supplier_closed), `Unavailable` when nonces cannot be remembered.
    """
    if not KEY_ID.fullmatch(signed.key_id):
        raise SignatureRefused("key_unknown", _l("密钥无效"))
    if not signing.in_time(signed.timestamp, time.time()):
        raise SignatureRefused("timestamp_invalid", _l("时间戳无效或相差超过 300 秒"))
    if not signing.NONCE.fullmatch(signed.nonce):
        raise SignatureRefused("nonce_invalid", _l("随机串要 16 到 64 位字母、数字、- 或 _"))
    with main_scope(reason="signature of a supplier's request"):
        row = db.session.execute(_FIND, {"key": signed.key_id}).first()
        if row is None:
            raise SignatureRefused("key_unknown", _l("密钥无效"))
        supplier_id = int(row.supplier_id)
        secret = sealing.unseal(supplier_id, "key", bytes(row.sealed)).decode()
        expected = signing.signature(
            secret, signed.method, signed.path, signed.timestamp, signed.nonce, signed.body
        )
        if not hmac.compare_digest(expected.encode(), signed.signature.lower().encode()):
            raise SignatureRefused("signature_invalid", _l("签名不对"))
        if row.state not in ("active", "paused"):
            raise SignatureRefused("supplier_closed", _l("供应商账号已停用"), 403)
        db.session.execute(_USED, {"key": signed.key_id})
        db.session.commit()
    _spend_nonce(signed)
    return supplier_id


def _spend_nonce(signed: Signed) -> None:
    name = redis.global_key("supplier-nonce", signed.key_id, signed.nonce)
    try:
        fresh = redis.client().set(name, b"1", nx=True, ex=2 * signing.WINDOW_S)
    except redis.RedisError as error:
        raise Unavailable("nonces_down", _l("暂时不能核对请求，请稍后重试")) from error
    if not fresh:
        raise SignatureRefused("nonce_used", _l("这个随机串已经用过"))
