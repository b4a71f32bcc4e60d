"""Small secrets at rest: AES-256-GCM under a key derived from the master key.

Bound to their place by the additional data: a row copied elsewhere does not open.
"""

from __future__ import annotations

import base64
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kameng.runtime import current_settings

NONCE_BYTES = 12


class SealBroken(Exception):
    """It does not open: another master key, another row, or changed bytes."""


def seal(area: str, place: str, content: bytes) -> bytes:
    """Encrypt with the present master key. `area` names the kind of thing, `place` the row."""
    nonce = os.urandom(NONCE_BYTES)
    cipher = _cipher(area, current_settings().master_key)
    return nonce + cipher.encrypt(nonce, content, place.encode())


def unseal(area: str, place: str, sealed: bytes) -> bytes:
    """Decrypt with the present or the previous master key; raises `SealBroken`."""
    settings = current_settings()
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for key in filter(None, (settings.master_key, settings.master_key_previous)):
        try:
            return _cipher(area, key).decrypt(nonce, body, place.encode())
        except InvalidTag:
            continue
    raise SealBroken(f"{area} of {place}")


@lru_cache(maxsize=64)
def _cipher(area: str, master_key: str) -> AESGCM:
    raw = base64.b64decode(master_key)
    info = f"kameng {area}".encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(raw))
