"""Who knocks: the three headers of a request and its signature, and the same for notices."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kameng.openapi.domain.dialects.dujiao_next.problems import Problem

WINDOW_S = 60
ROOT = "/api/v1/upstream/"
# Notices are signed over this path, whatever the address is that the order named.
CALLBACK_PATH = f"{ROOT}callback"
KEY, TIME, SIGN = "Dujiao-Next-Api-Key", "Dujiao-Next-Timestamp", "Dujiao-Next-Signature"


@dataclass(frozen=True, slots=True)
class Head:
    """What the headers say; nothing of it is proven yet."""

    key_id: str
    timestamp: str
    signature: str


def read_head(headers: Mapping[str, str], now_s: float) -> Head:
    """Raises `Problem`: a header is missing, or the time is none or off by more than a minute."""
    head = Head(*(headers.get(name, "").strip() for name in (KEY, TIME, SIGN)))
    if not (head.key_id and head.timestamp and head.signature):
        raise Problem("missing_auth_headers", "三个 Dujiao-Next 请求头缺一不可")
    time = head.timestamp
    if not (time.isascii() and time.isdecimal() and len(time) <= 12):
        raise Problem("invalid_timestamp", "时间戳应为秒数")
    if abs(now_s - int(time)) > WINDOW_S:
        raise Problem("timestamp_expired", "时间戳相差超过 60 秒")
    return head


def check_signature(head: Head, secrets: Iterable[str], method: str, path: str, body: bytes) -> str:
    """The one of the key's live secrets that has signed the request; raises `Problem` for none.

    Clients sign the address they call, or the protocol's own path that they know by heart: here
    the one ends with the other. All are compared, so that the time tells nothing.
    """
    paths = {path, path[path.find(ROOT) :] if ROOT in path else path}
    given = head.signature.encode()
    genuine = [
        secret
        for secret in secrets
        for one in paths
        if hmac.compare_digest(signature(secret, method, one, head.timestamp, body).encode(), given)
    ]
    if not genuine:
        raise Problem("invalid_signature", "签名不对")
    return genuine[0]


def signature(secret: str, method: str, path: str, timestamp: str, body: bytes) -> str:
    """Lower-case hex of the HMAC over method, path without query, time and the body's MD5."""
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    text = "\n".join((method, path, timestamp, digest))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def notice_headers(key_id: str, secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What a notice to the downstream site carries, so that it can be believed."""
    return {
        "Content-Type": "application/json",
        KEY: key_id,
        TIME: str(timestamp),
        SIGN: signature(secret, "POST", CALLBACK_PATH, str(timestamp), body),
    }
