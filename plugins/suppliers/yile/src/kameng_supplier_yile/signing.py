"""Signatures of both flavours: MD5 over the form (community), SHA-1 over the path (SUP)."""

import hashlib
from collections.abc import Mapping


def form_sign(form: Mapping[str, str], key: str) -> str:
    """Lower-case MD5 of the sorted, non-empty `k=v` joined by `&`, then the key.

    The reference strips `&` from both ends of the joined text, a last value's own ones too.
    """
    kept = sorted((name, value) for name, value in form.items() if value and name != "sign")
    text = "&".join(f"{name}={value}" for name, value in kept).strip("&") + key
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def app_token(app_id: str, secret: str, path: str, timestamp: str) -> str:
    """Lower-case SHA-1 of account, secret, path and time (s); the body is not covered."""
    text = f"{app_id}{secret}{path}{timestamp}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
