"""Data keys: made, unwrapped once per process, rotated, re-wrapped under a new master key."""

from __future__ import annotations

import base64
import binascii
import os
from typing import cast

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select, text

from kameng.db import db
from kameng.runtime import current_settings, extensions
from kameng.stock.domain.vault import (
    KEY_BYTES,
    NONCE_BYTES,
    VaultError,
    master_fingerprint,
    unwrap_key,
    wrap_key,
)
from kameng.stock.models import DataKey

EXTENSION = "kameng.stock.keys"

_CREATE = text("""
INSERT INTO data_key(purpose, wrapped, master_id) VALUES (:purpose, :wrapped, :master_id)
ON CONFLICT (purpose) WHERE state = 'active' DO NOTHING
""")


def master_key() -> bytes:
    """The master key of the settings; raises `VaultError` when it is missing or no 32 bytes."""
    return _decode(current_settings().master_key)


def active_key_id() -> int:
    """The card key that seals new cards; made when there is none (main scope)."""
    return _active("card").id


def card_cipher(key_id: int) -> AESGCM:
    """The cipher of a card key, active or retired; made once, since making it schedules the key."""
    kept = _kept()
    if (key_id, "cipher") not in kept:
        kept[key_id, "cipher"] = AESGCM(_unwrapped(key_id, "card"))
    return cast(AESGCM, kept[key_id, "cipher"])


def digest_key() -> bytes:
    """The key of the duplicate check. It is never rotated: old digests must stay comparable."""
    return _unwrapped(_active("digest").id, "digest")


def rotate_keys() -> int:
    """Retire the card key and make a new one; returns its id. Old cards follow by `reencrypt`."""
    old = _active("card")
    old.state = "retired"
    db.session.flush()
    _create("card")
    new_id = _active("card").id
    db.session.commit()
    return new_id


def rewrap_keys() -> int:
    """Wrap every data key with the present master key; returns how many were moved.

    For a change of the master key: run it while the old one stands in master_key_previous.
    """
    master = master_key()
    own = master_fingerprint(master)
    rows = db.session.scalars(
        select(DataKey).where(DataKey.master_id != own).order_by(DataKey.id).with_for_update()
    ).all()
    for row in rows:
        key = unwrap_key(_master_of(row), row.purpose, row.wrapped)
        row.wrapped = wrap_key(master, row.purpose, key, os.urandom(NONCE_BYTES))
        row.master_id = own
    db.session.commit()
    return len(rows)


def _active(purpose: str) -> DataKey:
    query = select(DataKey).where(DataKey.purpose == purpose, DataKey.state == "active")
    row = db.session.scalars(query).one_or_none()
    if row is None:
        _create(purpose)
        row = db.session.scalars(query).one()
    return row


def _create(purpose: str) -> None:
    master = master_key()
    wrapped = wrap_key(master, purpose, os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES))
    values = {"purpose": purpose, "wrapped": wrapped, "master_id": master_fingerprint(master)}
    db.session.execute(_CREATE, values)


def _unwrapped(key_id: int, purpose: str) -> bytes:
    cache = _kept()
    found = cache.get((key_id, purpose))
    if found is None:
        row = db.session.get(DataKey, key_id)
        if row is None or row.purpose != purpose:
            raise VaultError("no such data key")
        found = cache[key_id, purpose] = unwrap_key(_master_of(row), purpose, row.wrapped)
    return cast(bytes, found)


def _kept() -> dict[tuple[int, str], bytes | AESGCM]:
    """Keys never change under their id, so a process may remember them."""
    return cast("dict[tuple[int, str], bytes | AESGCM]", extensions().setdefault(EXTENSION, {}))


def _master_of(row: DataKey) -> bytes:
    settings = current_settings()
    for given in (settings.master_key, settings.master_key_previous):
        if given and master_fingerprint(_decode(given)) == row.master_id:
            return _decode(given)
    raise VaultError(f"data key {row.id} is wrapped by a master key that is not in the settings")


def _decode(given: str) -> bytes:
    try:
        raw = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise VaultError("KAMENG_MASTER_KEY must be 32 bytes in base64")
    return raw
