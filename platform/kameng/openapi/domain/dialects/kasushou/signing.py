"""SHA-1 signatures of 卡速售 2.0: of requests over their bytes, of notices over a text."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping

UNSIGNED = frozenset({"sign", "card_list", "express_list"})
EMPTY = b"{}"


def request_sign(timestamp: str, body: bytes, secret: str) -> str:
    """Lower-case SHA-1 of the time in milliseconds, the body and the key; no body is `{}`."""
    return _sha1(timestamp.encode(errors="replace") + (body or EMPTY) + secret.encode())


def signer(timestamp: str, body: bytes, given: str, secrets: Iterable[str]) -> str:
    """Which of a key's live secrets has signed it, or "". All are tried: time tells less then."""
    sign = given.lower().encode(errors="replace")
    same = [
        secret for secret in secrets
        if hmac.compare_digest(request_sign(timestamp, body, secret).encode(), sign)
    ]  # fmt: skip
    return same[0] if same else ""


def in_time(timestamp: str, now_s: float, window_s: int) -> bool:
    """Whether a time of 13 digits lies so close to now."""
    plain = timestamp.isascii() and timestamp.isdigit() and len(timestamp) == 13
    return plain and abs(int(timestamp) / 1000 - now_s) <= window_s


def notice_sign(fields: Mapping[str, object], secret: str) -> str:
    """Over the time, the sorted fields as PHP writes JSON, and the key; cards are left out."""
    signed = {name: fields[name] for name in sorted(fields) if name not in UNSIGNED}
    return _sha1(f"{fields['time']}{_php_json(signed)}{secret}".encode())


def _php_json(fields: Mapping[str, object]) -> str:
    """JSON with readable letters and escaped slashes, and two line ends that PHP escapes, too."""
    written = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    written = written.replace("/", "\\/")
    return written.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _sha1(text: bytes) -> str:
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()
