"""Signatures of requests and notices: HMAC-SHA256 in hex."""

from __future__ import annotations

import hashlib
import hmac


def signature(key: str, content: bytes) -> str:
    """The signature of a body under a key."""
    return hmac.new(key.encode(), content, hashlib.sha256).hexdigest()


def notice_content(timestamp: str, body: bytes) -> bytes:
    """What the signature of a notice covers."""
    return timestamp.encode() + b"\n" + body


def is_signed(key: str, content: bytes, given: str) -> bool:
    """Whether a signature is right; takes the same time whatever is wrong."""
    return hmac.compare_digest(signature(key, content).encode(), given.encode())
