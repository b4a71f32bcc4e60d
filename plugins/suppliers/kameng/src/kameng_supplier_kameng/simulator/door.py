"""Who may call the simulated station: key, time, nonce and signature, and its words for no."""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from typing import Any

from werkzeug.wrappers import Request, Response

WINDOW_S = 300
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
NUMBERS = {
    "json_invalid": 40001, "unknown_field": 40003, "field_invalid": 40004, "field_missing": 40005,
    "cursor_invalid": 40006, "notify_url_invalid": 40008, "key_missing": 40101,
    "key_unknown": 40102, "timestamp_invalid": 40103, "nonce_invalid": 40104, "nonce_used": 40105,
    "signature_invalid": 40106, "insufficient_balance": 40201, "order_unknown": 40402,
    "sku_unknown": 40403, "conflict": 40901, "not_on_sale": 40902, "out_of_stock": 40903,
    "max_total_exceeded": 40904, "refund_not_possible": 40906, "quantity_invalid": 42201,
    "inputs_invalid": 42202, "amount_invalid": 42203, "internal": 50001,
}  # fmt: skip


class Problem(Exception):
    """A refusal of the interface, as RFC 9457 writes it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def response(self, status: int = 0) -> Response:
        """``status``: another one than its own, for lies."""
        number = NUMBERS[self.code]
        said = {
            "type": "about:blank", "title": f"simulated: {self.code}", "status": number // 100,
            "code": self.code, "number": number, "request_id": "simulated",
        }  # fmt: skip
        kind = "application/problem+json"
        return Response(json.dumps(said), status=status or number // 100, mimetype=kind)


class Door:
    """Checks requests. Nonces are kept in memory, as long as their time is good."""

    def __init__(self, key: str, secret: str) -> None:
        self._key, self._secret = key, secret
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()

    def check(self, request: Request) -> None:
        """Raises `Problem`."""
        names = ("Kameng-Key", "Kameng-Timestamp", "Kameng-Nonce", "Kameng-Signature")
        key, timestamp, nonce, given = (request.headers.get(name, "") for name in names)
        if not (key and given):
            raise Problem("key_missing")
        if key != self._key:
            raise Problem("key_unknown")
        if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > WINDOW_S:
            raise Problem("timestamp_invalid")
        if not NONCE.fullmatch(nonce):
            raise Problem("nonce_invalid")
        right = sign(self._secret, request.method, _path(request), timestamp, nonce,
                     request.get_data())  # fmt: skip
        if not hmac.compare_digest(right.encode(), given.encode()):
            raise Problem("signature_invalid")
        self._once(nonce)

    def _once(self, nonce: str) -> None:
        now = time.monotonic()
        with self._lock:
            self._used = {n: until for n, until in self._used.items() if until > now}
            if nonce in self._used:
                raise Problem("nonce_used")
            self._used[nonce] = now + 2 * WINDOW_S


def sign(secret: str, method: str, path: str, timestamp: str, nonce: str, body: bytes) -> str:
    """Written apart from the plugin's: a mistake in one of them shows."""
    mac = hmac.new(bytes(secret, "utf-8"), digestmod="sha256")
    mac.update(f"{method}\n{path}\n{timestamp}\n{nonce}\n".encode())
    mac.update(hashlib.new("sha256", body).hexdigest().encode())
    return mac.hexdigest()


def sign_notice(secret: str, message_id: str, body: bytes) -> dict[str, Any]:
    """Headers of a notice by Standard Webhooks."""
    now = str(int(time.time()))
    mac = hmac.new(bytes(secret, "utf-8"), digestmod="sha256")
    mac.update(b".".join((message_id.encode(), now.encode(), body)))
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{base64.b64encode(mac.digest()).decode()}",
    }


def _path(request: Request) -> str:
    """As it was sent, with its query."""
    path, query = request.script_root + request.path, request.query_string.decode()
    return f"{path}?{query}" if query else path
