"""Right signatures over whatever is sent, as clients of each protocol make them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from tests.integration.openapi.docking import Key

from .wire import Sent


def native(key: Key, sent: Sent) -> dict[str, str]:
    """Headers of the native interface, over the target and the body as they go out."""
    stamp, nonce = str(int(time.time())), secrets.token_urlsafe(16)
    digest = hashlib.sha256(sent.body).hexdigest()
    text = "\n".join((sent.method, sent.path, stamp, nonce, digest))
    sign = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {
        "Kameng-Key": key.key_id, "Kameng-Timestamp": stamp, "Kameng-Nonce": nonce,
        "Kameng-Signature": sign,
    }  # fmt: skip


def dujiao(key: Key, sent: Sent) -> dict[str, str]:
    """Headers of dujiao-next: the path in plain letters without its query, and the body's MD5."""
    stamp, digest = str(int(time.time())), hashlib.md5(sent.body).hexdigest()
    path = unquote_to_bytes(sent.target.partition(b"?")[0]).decode(errors="replace")
    text = "\n".join((sent.method, path, stamp, digest))
    sign = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {
        "Dujiao-Next-Api-Key": key.key_id, "Dujiao-Next-Timestamp": stamp,
        "Dujiao-Next-Signature": sign,
    }  # fmt: skip


def kasushou(key: Key, sent: Sent) -> dict[str, str]:
    """Headers of 卡速售: time, body, key."""
    stamp = str(int(time.time() * 1000))
    sign = hashlib.sha1(stamp.encode() + (sent.body or b"{}") + key.secret.encode()).hexdigest()
    return {"UserId": key.key_id, "Timestamp": stamp, "Sign": sign}


def nothing(_key: Key, _sent: Sent) -> Mapping[str, str]:
    """The signature is in the body already."""
    return {}
