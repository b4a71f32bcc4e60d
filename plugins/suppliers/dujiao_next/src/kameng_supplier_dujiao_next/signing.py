"""Signatures of the upstream API: an HMAC over method, path, time and a digest of the body."""

import hashlib
import hmac


def signature(secret: str, method: str, path: str, timestamp: str, body: bytes) -> str:
    """Lower-case hex. ``path`` has neither host nor query: the query stays unsigned."""
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    text = "\n".join((method, path, timestamp, digest))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def genuine(given: str, secret: str, method: str, path: str, timestamp: str, body: bytes) -> bool:
    """Whether a signature is the right one; compared in constant time, as bytes for any text."""
    right = signature(secret, method, path, timestamp, body)
    return hmac.compare_digest(right.encode(), given.encode())
