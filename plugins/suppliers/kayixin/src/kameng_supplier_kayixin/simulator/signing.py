"""Signatures and sealed cards as the site makes them; not the client's code, so both are tried."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

WINDOW_S = 600
BLOCK = 16


def digest(app_id: str, secret: str, stamp: str, body: str) -> str:
    """Lower-case MD5 of everything in a row."""
    text = app_id + secret + "3.0" + stamp + body
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def why_refused(headers: Mapping[str, str], body: str, app_id: str, secret: str, now: float) -> str:
    """The site's words when the headers do not hold, or "". Sites take seconds or milliseconds."""
    stamp = headers.get("X-Timestamp", "")
    if headers.get("X-App-Id") != app_id:
        return "客户不存在"
    if headers.get("X-Version") != "3.0":
        return "版本错误"
    seconds = int(stamp[:10]) if stamp.isdecimal() and len(stamp) in (10, 13) else 0
    if abs(now - seconds) > WINDOW_S:
        return "时间戳已过期"
    return "" if headers.get("X-Signature") == digest(app_id, secret, stamp, body) else "签名错误"


def seal(cards: list[dict[str, Any]], secret: str) -> str:
    """AES-256 in ECB mode with PKCS#7, as base64; nothing for no cards."""
    if not cards:
        return ""
    plain = json.dumps(cards, separators=(",", ":"), ensure_ascii=False).encode()
    gap = BLOCK - len(plain) % BLOCK
    cipher = Cipher(algorithms.AES(secret.encode()), modes.ECB()).encryptor()
    return base64.b64encode(cipher.update(plain + bytes([gap]) * gap) + cipher.finalize()).decode()
