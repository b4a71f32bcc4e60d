"""Signatures of webhooks: an HMAC over the raw body and the time in a header."""

import hashlib
import hmac


def signature(secret: str, body: bytes, timestamp: str) -> str:
    """Lower-case hex of HMAC-SHA256 over ``body:timestamp``."""
    return hmac.new(secret.encode(), body + b":" + timestamp.encode(), hashlib.sha256).hexdigest()


def genuine(given: str, secret: str, body: bytes, timestamp: str) -> bool:
    """Compared in constant time, as bytes for any text."""
    right = signature(secret, body, timestamp)
    return hmac.compare_digest(right.encode(), given.encode())
