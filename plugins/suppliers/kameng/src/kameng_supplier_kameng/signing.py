"""Signatures of the native API: requests in hex, notices as Standard Webhooks wants them."""

import base64
import hashlib
import hmac

WINDOW_S = 300


def signature(secret: str, method: str, path: str, timestamp: str, nonce: str, body: bytes) -> str:
    """Lower-case hex of a request's HMAC-SHA256. ``path`` is as sent, with its query."""
    digest = hashlib.sha256(body).hexdigest()
    text = "\n".join((method, path, timestamp, nonce, digest))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def notice_signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """One entry of ``webhook-signature``; the bytes of the secret are the key."""
    mac = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def genuine_notice(given: str, key: bytes, message_id: str, timestamp: str, body: bytes) -> bool:
    """Whether one of the signatures, set apart by spaces, is right; each in constant time."""
    right = notice_signature(key, message_id, timestamp, body).encode()
    return any([hmac.compare_digest(right, each.encode()) for each in given.split(" ")])
