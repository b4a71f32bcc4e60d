"""Signatures of Standard Webhooks (symmetric, v1): HMAC-SHA256 over id, timestamp and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32


def secret_text(raw: bytes) -> str:
    """A secret as it is shown to its owner."""
    return PREFIX + base64.b64encode(raw).decode()


def secret_bytes(secret: str) -> bytes:
    """The key in a shown secret, with or without its prefix; raises ValueError for what is none."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a webhook secret is base64") from None


def sign(secrets: Sequence[str], message_no: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers; every secret signs, the signatures stand side by side.

    ``timestamp`` in seconds since 1970. Source: the Standard Webhooks specification.
    """
    signed = f"{message_no}.{timestamp}.".encode() + body
    digests = (hmac.new(secret_bytes(one), signed, hashlib.sha256).digest() for one in secrets)
    return {
        "webhook-id": message_no,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(d).decode()}" for d in digests),
    }
