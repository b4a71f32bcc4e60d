"""Secrets of endpoints at rest: AES-256-GCM under a key derived from the master key.

Bound to station, member and purpose by the additional data: a row copied elsewhere does not open.
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import text

from kameng.db import db
from kameng.runtime import current_settings

NONCE_BYTES = 12
PURPOSE = "webhook"

_ALL = text(
    "SELECT station_id, id, member_id, sealed, sealed_old FROM webhook_endpoint"
    " WHERE state <> 'removed' ORDER BY station_id, id FOR UPDATE"
)
_AGAIN = text(
    "UPDATE webhook_endpoint SET sealed = :sealed, sealed_old = :old"
    " WHERE station_id = :station AND id = :id"
)


class SealBroken(Exception):
    """It does not open: another master key, another owner, or changed bytes."""


def seal(station_id: int, member_id: int, secret: bytes) -> bytes:
    """Encrypt with the present master key."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _ciphers()[0].encrypt(nonce, secret, _bound_to(station_id, member_id))


def unseal(station_id: int, member_id: int, sealed: bytes) -> bytes:
    """Decrypt with the present or the previous master key; raises `SealBroken`."""
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for cipher in _ciphers():
        try:
            return cipher.decrypt(nonce, body, _bound_to(station_id, member_id))
        except InvalidTag:
            continue
    raise SealBroken(f"webhook secret of member {member_id} of station {station_id}")


def reseal_all() -> int:
    """Seal every secret with the present master key (main scope); how many endpoints.

    For a change of the master key: run it while the old one stands in master_key_previous.
    """
    rows = db.session.execute(_ALL).all()
    for row in rows:
        owner = row.station_id, row.member_id
        sealed, old = (
            seal(*owner, unseal(*owner, bytes(one))) if one is not None else None
            for one in (row.sealed, row.sealed_old)
        )
        db.session.execute(
            _AGAIN, {"station": row.station_id, "id": row.id, "sealed": sealed, "old": old}
        )
    db.session.commit()
    return len(rows)


def _ciphers() -> list[AESGCM]:
    settings = current_settings()
    given = [settings.master_key, settings.master_key_previous]
    return [AESGCM(_derive(key)) for key in given if key]


def _derive(master_key: str) -> bytes:
    raw = base64.b64decode(master_key)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"kameng webhooks").derive(raw)


def _bound_to(station_id: int, member_id: int) -> bytes:
    return f"{station_id}|{member_id}|{PURPOSE}".encode()
