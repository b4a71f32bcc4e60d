"""How a program signs a request: the open API and the suppliers' API alike (design §11)."""

from __future__ import annotations

import hashlib
import hmac
import re

WINDOW_S = 300
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


def text_to_sign(method: str, path: str, timestamp: str, nonce: str, body: bytes) -> str:
    """METHOD, path with query, time, nonce and the body's digest, a line each."""
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join((method.upper(), path, timestamp, nonce, digest))


def signature(secret: str, method: str, path: str, timestamp: str, nonce: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of it."""
    text = text_to_sign(method, path, timestamp, nonce, body)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def in_time(timestamp: str, now_s: float) -> bool:
    """Whether a time in seconds lies within five minutes of now."""
    plain = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
    return plain and abs(int(timestamp) - now_s) <= WINDOW_S
