"""A member's program that listens on a real port, and hands to make news and send them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.integration.conftest import DEER, Shop

from kameng.db import station_scope
from kameng.jobs.api import drain
from kameng.settings import Settings
from kameng.webhooks import api as webhooks

Reply = tuple[int, dict[str, str], bytes]
OK: Reply = (204, {}, b"")


@dataclass
class Receiver:
    """Answers as told, then 204, and remembers every request."""

    port: int = 0
    replies: list[Reply] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ids(self, path: str = "") -> list[str]:
        return [h["webhook-id"] for where, h, _body in self.seen if where.startswith(path)]

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.replies.append((status, {n.replace("_", "-"): v for n, v in headers.items()}, body))


def serve(receiver: Receiver) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.seen.append((self.path, headers, body))
            status, extra, text = receiver.replies.pop(0) if receiver.replies else OK
            self.send_response(status)
            for name, value in {**extra, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_words: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def listening() -> Iterator[Receiver]:
    receiver = Receiver()
    server = serve(receiver)
    yield receiver
    server.shutdown()
    server.server_close()


@pytest.fixture
def receiver(listening: Receiver) -> Receiver:
    listening.replies.clear()
    listening.seen.clear()
    return listening


@pytest.fixture(scope="module")
def settings(settings: Settings, listening: Receiver) -> Settings:
    """The receiver stands where a demo has its simulators: the one private address to be called."""
    return replace(settings, simulator_url=listening.base)


@dataclass
class Hooks:
    """Hands for tests: a member of Deer, its endpoints, and what becomes of deliveries."""

    shop: Shop
    receiver: Receiver
    member: int
    code: str

    def endpoint(self, path: str = "", events: tuple[str, ...] = ()) -> tuple[int, str]:
        url = f"{self.receiver.base}/{path or secrets.token_hex(4)}"
        with self.shop.app.app_context(), station_scope(DEER):
            return webhooks.add_endpoint(self.member, url, "test", events)

    def do(self, name: str, *values: Any) -> Any:
        """A use case of the member at its station."""
        with self.shop.app.app_context(), station_scope(DEER):
            return getattr(webhooks, name)(self.member, *values)

    def order(self, number: str = "", **changes: Any) -> Any:
        """An order over the API, paid; its cards are delivered."""
        number = number or secrets.token_hex(5)
        placed = self.shop.place(
            self.code, DEER, member_id=self.member, channel="api",
            idempotency_key=f"api:{self.member}:{number}", **changes,
        )  # fmt: skip
        attempt = self.shop.attempt(DEER, placed.payable, order=placed.order_id)
        self.shop.pay(DEER, attempt, placed.payable)
        return placed

    def listen(self) -> None:
        """The topics of the outbox become messages; nothing is sent yet."""
        from kameng.webhooks import tasks

        assert tasks  # they listen
        with self.shop.app.app_context():
            drain()

    def send(self) -> list[str]:
        """What a worker does with all that is due, whenever it was planned for."""
        due = self.shop.owner.execute(
            "SELECT d.station_id, d.id, d.tries FROM webhook_delivery d JOIN webhook_message m"
            " ON m.station_id = d.station_id AND m.id = d.message_id"
            " WHERE d.state = 'due' AND m.member_id = %s ORDER BY d.id", (self.member,),
        ).fetchall()  # fmt: skip
        with self.shop.app.app_context():
            return [webhooks.send_delivery(*one) for one in due]

    def rows(self, columns: str, more: str = "") -> list[tuple[Any, ...]]:
        """Deliveries (d) with their messages (m), oldest first."""
        statement = (
            f"SELECT {columns} FROM webhook_delivery d JOIN webhook_message m"
            " ON m.station_id = d.station_id AND m.id = d.message_id"
            f" WHERE m.member_id = %s {more} ORDER BY d.id"
        )
        return self.shop.owner.execute(statement.encode(), (self.member,)).fetchall()


@pytest.fixture
def hooks(shop: Shop, receiver: Receiver) -> Hooks:
    """A new member each time; the shop stays."""
    code = shop.sku(cards=5)
    return Hooks(shop, receiver, shop.member(DEER), code)
