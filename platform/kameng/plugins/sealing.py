"""Plugin secrets at rest: AES-256-GCM under a key derived from the master key.

Bound to station, plugin and account by the additional data: a row copied elsewhere does not open.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kameng.settings import Settings, SettingsError

FORMAT = b"\x01"
NONCE_BYTES = 12
KEY_PURPOSE = b"kameng plugin secrets"


class SealBroken(Exception):
    """The stored secrets do not open: another master key, another row, or changed bytes."""


class Sealer:
    """Seals with the current master key, opens with the current or the previous one."""

    def __init__(self, settings: Settings) -> None:
        if not settings.master_key:
            raise SettingsError("KAMENG_MASTER_KEY is missing: secrets could not be encrypted")
        given = [settings.master_key, settings.master_key_previous]
        self._keys = [AESGCM(_derive(key)) for key in given if key]

    def seal(
        self, station_id: int, plugin_id: str, secrets: Mapping[str, str], account: str = ""
    ) -> bytes:
        """Encrypt all secrets of one row."""
        nonce = os.urandom(NONCE_BYTES)
        plain = json.dumps(dict(secrets)).encode()
        sealed = self._keys[0].encrypt(nonce, plain, _bound_to(station_id, plugin_id, account))
        return FORMAT + nonce + sealed

    def open(
        self, station_id: int, plugin_id: str, sealed: bytes | None, account: str = ""
    ) -> dict[str, str]:
        """Decrypt them; raises `SealBroken`."""
        if not sealed:
            return {}
        if sealed[:1] != FORMAT or len(sealed) <= 1 + NONCE_BYTES:
            raise SealBroken(plugin_id)
        nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        for key in self._keys:
            try:
                plain = key.decrypt(nonce, text, _bound_to(station_id, plugin_id, account))
            except InvalidTag:
                continue
            return {str(name): str(value) for name, value in json.loads(plain).items()}
        raise SealBroken(plugin_id)


def _derive(master_key: str) -> bytes:
    try:
        raw = base64.b64decode(master_key, validate=True)
    except (binascii.Error, ValueError):
        raise SettingsError("KAMENG_MASTER_KEY must be base64") from None
    if len(raw) != 32:
        raise SettingsError("KAMENG_MASTER_KEY must be base64 of 32 bytes")
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=KEY_PURPOSE).derive(raw)


def _bound_to(station_id: int, plugin_id: str, account: str) -> bytes:
    return f"{station_id}|{plugin_id}{f'|{account}' if account else ''}".encode()
