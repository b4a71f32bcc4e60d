"""The MD5 signature in the headers, the bodies it covers, and the cards sealed inside notices."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from kameng_sdk.money import Money

VERSION = "3.0"
KEY_BYTES = 32


class BadCards(ValueError):
    """The sealed cards cannot be opened with this secret."""


def sign(app_id: str, secret: str, timestamp: str, body: bytes) -> str:
    """Lower-case MD5 of number, secret, version, time and raw body, without separators."""
    head = f"{app_id}{secret}{VERSION}{timestamp}".encode()
    return hashlib.md5(head + body, usedforsecurity=False).hexdigest()


def same(ours: str, theirs: str) -> bool:
    """Compare in constant time. Bytes, because text with non-ASCII letters cannot be compared."""
    return hmac.compare_digest(ours.encode(), theirs.lower().encode("utf-8", "replace"))


def request_body(fields: Mapping[str, object]) -> str:
    """JSON with money as a plain number: `json` would want a float for that."""
    members = (f"{_json(name)}:{_value(value)}" for name, value in fields.items())
    return "{" + ",".join(members) + "}"


def open_cards(sealed: str, secret: str) -> list[Any]:
    """Cards of a notice: base64 of AES-256 in ECB mode with PKCS#7; the key is the secret's bytes.

    Raises `BadCards`. The peer chose ECB; that nobody changed the cards says the signature.
    """
    key = secret.encode()
    try:
        if len(key) != KEY_BYTES:
            raise BadCards("the secret is not 32 bytes long")
        cipher = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
        padded = cipher.update(base64.b64decode(sealed, validate=True)) + cipher.finalize()
        unpadder = PKCS7(algorithms.AES.block_size).unpadder()
        cards = json.loads((unpadder.update(padded) + unpadder.finalize()).decode())
    except (binascii.Error, ValueError):
        raise BadCards("the cards cannot be opened") from None
    if not isinstance(cards, list):
        raise BadCards("the cards are no list")
    return cards


def _value(value: object) -> str:
    if isinstance(value, Money):
        return value.format(4 if value.amount % 100 else 2)
    return _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
