"""Who signed a request of the native interface, proved from its four headers."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kameng import signing
from kameng.openapi import api as openapi
from kameng.openapi.api import Caller, refused


@dataclass(frozen=True, slots=True)
class Signed:
    """What the headers say, and the address that the request came from."""

    key_id: str
    timestamp: str
    nonce: str
    signature: str
    ip: str


def signed_by(environ: Mapping[str, Any]) -> Signed:
    """The headers out of a WSGI environment."""
    get = environ.get
    return Signed(
        get("HTTP_KAMENG_KEY", ""), get("HTTP_KAMENG_TIMESTAMP", ""), get("HTTP_KAMENG_NONCE", ""),
        get("HTTP_KAMENG_SIGNATURE", ""), get("REMOTE_ADDR") or "",
    )  # fmt: skip


def prove(
    signed: Signed, method: str, path: str, body: Callable[[], bytes]
) -> tuple[Caller, str, str]:
    """The caller, the nonce, and the secret that it was signed with; `body` is asked for last."""
    if not signed.key_id or not signed.signature:
        raise refused("key_missing")
    if not signing.in_time(signed.timestamp, time.time()):
        raise refused("timestamp_invalid", server_time=int(time.time()))
    if not signing.NONCE.fullmatch(signed.nonce):
        raise refused("nonce_invalid")
    caller, secrets = openapi.open_key("native", signed.key_id[:64], signed.ip)
    for secret in secrets:
        wanted = signing.signature(secret, method, path, signed.timestamp, signed.nonce, body())
        if hmac.compare_digest(wanted.encode(), signed.signature.lower().encode()):
            return caller, signed.nonce, secret
    raise refused("signature_invalid")


def check_scope(caller: Caller, scope: str) -> None:
    """Raises `scope_missing`."""
    if scope not in caller.scopes:
        raise refused("scope_missing", scope=scope)
