"""An integrator: buys by balance with the signed native API, and asks again with the same number."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import time
from typing import Any

import httpx

from kameng import signing

from .history import History

TIMEOUT_S, PATIENCE_S, PAUSE_S = 15, 100, 0.5
WORTH_ANOTHER_TRY = {"timestamp_invalid", "too_many", "internal", "unavailable"}
READS = 12


def digest(text: str) -> str:
    """What the history keeps of a card: it tells two apart and gives none away."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class Integrator:
    """One key. Its clock follows the server's when that refuses a time stamp."""

    def __init__(self, base: str, host: str, key: dict[str, Any], history: History) -> None:
        self.name = f"api-{key['member']}"
        self._base, self._host, self._key, self._history = base, host, key, history
        self._ahead_s = 0

    def buy(self, sku: str, quantity: int, inputs: dict[str, str], source: random.Random) -> str:
        """Buy until acknowledged or refused, then watch the order; returns what became of it."""
        number = f"C{secrets.token_hex(8)}"
        op = f"api:{self._key['member']}:{number}"
        wanted = {"sku": sku, "quantity": quantity, "merchant_order_no": number, "inputs": inputs}
        with _client(self._base, self._host, source) as client:
            self._history.note("invoke", "buy", op, by=self.name, sku=sku, quantity=quantity)
            outcome = self._until_answered(client, op, wanted)
            if outcome == "ok":
                if source.random() < 0.2:  # integrators repeat what was answered, too
                    self._attempt(client, op, wanted)
                self._watch(client, op, number)
        return outcome

    def _until_answered(self, client: httpx.Client, op: str, wanted: dict[str, Any]) -> str:
        give_up = time.monotonic() + PATIENCE_S
        while (heard := self._attempt(client, op, wanted)) == "info":
            if time.monotonic() > give_up:
                break
            time.sleep(PAUSE_S)
        return heard

    def _attempt(self, client: httpx.Client, op: str, wanted: dict[str, Any]) -> str:
        status, answer = self._call(client, "POST", "/api/v1/orders", wanted)
        if status in (200, 201):
            facts = {"order_no": answer["order_no"], "status": status}
            self._history.note("ok", "buy", op, by=self.name, **facts)
            return "ok"
        code = str(answer.get("code", ""))
        event = "fail" if 400 <= status < 500 and code not in WORTH_ANOTHER_TRY else "info"
        self._history.note(event, "buy", op, by=self.name, status=status, code=code)
        return event

    def _watch(self, client: httpx.Client, op: str, number: str) -> None:
        """Read the order for a while, as programs do that take no webhooks."""
        for turn in range(READS):
            path = f"/api/v1/orders?merchant_order_no={number}"
            status, answer = self._call(client, "GET", path, None)
            if status == 200:
                cards = [digest(card["code"]) for card in answer["cards"]]
                facts = {"state": answer["state"], "order_no": answer["order_no"], "cards": cards}
                self._history.note("ok", "read", f"{op}#{turn}", of=op, by=self.name, **facts)
                if answer["state"] in ("delivered", "completed", "refunded"):
                    return
            else:
                code = str(answer.get("code", ""))
                event = "fail" if code == "order_unknown" else "info"
                self._history.note(event, "read", f"{op}#{turn}", of=op, by=self.name, code=code)
            time.sleep(0.5 + turn / 4)

    def _call(
        self, client: httpx.Client, method: str, path: str, given: Any
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON; status 0 for no answer at all."""
        body = b"" if given is None else json.dumps(given).encode()
        try:
            answer = client.request(
                method, path, content=body, headers=self._head(method, path, body)
            )
            found = answer.json()
        except (httpx.TransportError, ValueError) as error:
            return 0, {"code": type(error).__name__}
        if found.get("code") == "timestamp_invalid":
            self._ahead_s = int(found["server_time"]) - int(time.time())
        return answer.status_code, found

    def _head(self, method: str, path: str, body: bytes) -> dict[str, str]:
        stamp, nonce = str(int(time.time()) + self._ahead_s), secrets.token_urlsafe(18)
        made = signing.signature(self._key["secret"], method, path, stamp, nonce, body)
        return {
            "Content-Type": "application/json", "Kameng-Key": self._key["key_id"],
            "Kameng-Timestamp": stamp, "Kameng-Nonce": nonce, "Kameng-Signature": made,
        }  # fmt: skip


def _client(base: str, host: str, source: random.Random) -> httpx.Client:
    return httpx.Client(
        base_url=base, headers={"Host": host}, timeout=TIMEOUT_S, transport=own_address(source)
    )


def own_address(source: random.Random) -> httpx.HTTPTransport:
    """Everybody comes from an address of his own: rules count by address."""
    parts = (source.randrange(1, 255), source.randrange(255), source.randrange(1, 255))
    return httpx.HTTPTransport(local_address="127.{}.{}.{}".format(*parts))
