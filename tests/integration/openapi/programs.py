"""A program that speaks the native interface, written for tests of the door and of buying."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.integration.openapi.docking import DEER, HOME, Dock, Key, new_number

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


def headers(
    key: Key, method: str, path: str, body: bytes = b"", *, at: float = 0, nonce: str = ""
) -> dict[str, str]:
    """A right signature (design §11), written down once more on purpose."""
    stamp, nonce = str(int(at or time.time())), nonce or secrets.token_urlsafe(16)
    digest = hashlib.sha256(body).hexdigest()
    text = "\n".join((method, path, stamp, nonce, digest))
    sign = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {
        "Kameng-Key": key.key_id, "Kameng-Timestamp": stamp, "Kameng-Nonce": nonce,
        "Kameng-Signature": sign,
    }  # fmt: skip


@dataclass
class Program:
    """One key at work at one station."""

    dock: Dock
    key: Key
    station: int = DEER
    address: str = ""

    def send(
        self, method: str, path: str, given: Any = None, *, raw: bytes | None = None, at: float = 0,
        nonce: str = "", address: str = "", **changes: str,
    ) -> TestResponse:  # fmt: skip
        """A signed request; `changes` replace headers afterwards."""
        body = raw if raw is not None else b"" if given is None else json.dumps(given).encode()
        signed = headers(self.key, method, path, body, at=at, nonce=nonce)
        signed |= {name.replace("_", "-"): value for name, value in changes.items()}
        environ = {"REMOTE_ADDR": address or self.address or HOME}
        return self.dock.send(
            method, path, self.station, data=body, headers=signed, environ_overrides=environ
        )

    def buy(self, sku: str, number: str = "", quantity: int = 1, **more: Any) -> TestResponse:
        """POST orders."""
        given = {"sku": sku, "quantity": quantity, "merchant_order_no": number or new_number()}
        return self.send("POST", "/api/v1/orders", given | more)

    def balance(self) -> str:
        """What GET account says."""
        return str(self.send("GET", "/api/v1/account").json["balance"])
