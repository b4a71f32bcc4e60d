"""Programs of other systems hear of their orders in their own words, and our own clients believe it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kameng.db import main_scope
from kameng.settings import Settings
from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.secrets import Secret
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_kakayun import notices as kakayun
from kameng_supplier_kakayun.account import KakayunAccount
from kameng_supplier_kasushou import notices as kasushou
from kameng_supplier_kasushou.account import KasushouAccount

from .docking import Dock, Key, new_number
from .doors import Door, kakayun_request, kasushou_request

ENOUGH = 1_000_0000
JSON = {"Content-Type": "application/json"}


@dataclass
class Buyer:
    """The buyer's program: answers as told, and keeps what it was sent."""

    url: str = ""
    answer: bytes = b"ok"
    bodies: list[bytes] = field(default_factory=list)


@pytest.fixture(scope="module")
def listening() -> Iterator[Buyer]:
    buyer = Buyer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            buyer.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(buyer.answer)))
            self.end_headers()
            self.wfile.write(buyer.answer)

        def log_message(self, *_words: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    buyer.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield buyer
    server.shutdown()
    server.server_close()


@pytest.fixture
def buyer(listening: Buyer) -> Buyer:
    listening.answer, listening.bodies = b"ok", []
    return listening


@pytest.fixture(scope="module")
def settings(settings: Settings, listening: Buyer) -> Settings:
    """The buyer stands where a demo has its simulators: the one private address to be called."""
    return replace(settings, simulator_url=listening.url)


def buy(dock: Door, key: Key, sku: int, url: str) -> str:
    """One piece; the buyer's number."""
    own = new_number()
    if dock.dialect == "kasushou":
        fields = {"id": sku, "quantity": 1, "external_orderno": own, "url": url}
        answer = dock.post("api/v1/order/buy", *kasushou_request(key, fields))
    else:
        wish = {"goodsid": sku, "buynum": 1, "usorderno": own, "callbackurl": url}
        answer = dock.post("dockapiv3/order/create", kakayun_request(key, wish), JSON)
    assert answer.json["code"] in (1, 200), answer.text
    return own


def work(dock: Door) -> None:
    """What the jobs do with all that is due, whenever it was planned for."""
    from kameng.jobs.api import drain
    from kameng.webhooks import api as webhooks
    from kameng.webhooks import tasks

    assert tasks  # they listen
    with dock.shop.app.app_context():
        drain()
        for one in dock.shop.owner.execute(
            "SELECT station_id, id, tries FROM webhook_delivery WHERE state = 'due'"
        ).fetchall():
            webhooks.send_delivery(*one)


def dropped(dock: Door, key: Key) -> int:
    """Deliveries to this member that had nothing to say."""
    return int(
        dock.shop.one(
            "SELECT count(*) FROM webhook_delivery d JOIN webhook_message m ON m.id = d.message_id"
            " WHERE d.state = 'dropped' AND m.member_id = %s", key.member,
        )
    )  # fmt: skip


def read(dock: Door, secret: str, body: bytes) -> Any:
    """The events of a notice as our own client of the system reads it."""
    request = WebhookRequest(method="POST", path="/", query="", headers={}, body=body)
    now, zero = datetime.now(UTC), Money.zero()
    if dock.dialect == "kasushou":
        ours = KasushouAccount(base_url="x", user_id="1", key=Secret(secret), low_balance=zero)
        return kasushou.read_notice(ours, request, now).events
    site = "https://a.example"
    account = KakayunAccount(
        site_url=site, api_url=site, userid="1", key=Secret(secret), low_balance=zero
    )
    return kakayun.parse(account, now, request).events


@pytest.mark.parametrize("dialect", ["kasushou", "kakayun"])
def test_a_delivery_is_told_until_the_buyer_says_ok(dock: Dock, buyer: Buyer, dialect: str) -> None:
    door = Door(dock, dialect)
    key = door.key(ENOUGH)
    buyer.answer = b"fail"
    own = buy(door, key, door.cards(1), f"{buyer.url}/x")
    work(door)
    assert len(buyer.bodies) == 1
    buyer.answer = b" OK\n"
    work(door)
    work(door)
    assert len(buyer.bodies) == 2
    for body in buyer.bodies:
        assert [event.purchase_no for event in read(door, key.secret, body)] == [own]
        assert b"SECRET-" in body
        with pytest.raises(WebhookRefused):
            read(door, "another", body)
    stored = dock.one("SELECT string_agg(payload::text, '') FROM webhook_message")
    assert "SECRET-" not in stored


@pytest.mark.parametrize("dialect", ["kasushou", "kakayun"])
def test_nothing_is_told_before_there_is_something(dock: Dock, buyer: Buyer, dialect: str) -> None:
    door = Door(dock, dialect)
    key = door.key(ENOUGH)
    buy(door, key, dock.goods("manual"), f"{buyer.url}/x")
    work(door)
    assert buyer.bodies == []
    assert dropped(door, key) == 1


def test_an_order_without_an_address_is_told_at_the_keys_own(dock: Dock, buyer: Buyer) -> None:
    door = Door(dock, "kakayun")
    key = door.key(ENOUGH, callback_url=f"{buyer.url}/own")
    own = buy(door, key, door.cards(1), "")
    work(door)
    (body,) = buyer.bodies
    (event,) = read(door, key.secret, body)
    assert event.purchase_no == own
    assert len(event.result.deliveries) == 1


@pytest.mark.parametrize("dialect", ["kasushou", "kakayun"])
def test_orders_of_the_sandbox_are_told_alike(dock: Dock, buyer: Buyer, dialect: str) -> None:
    from kameng.openapi.services.sandbox_news import announce_sandbox

    door = Door(dock, dialect)
    key = door.key(sandbox=True)
    own = buy(door, key, door.cards(1), f"{buyer.url}/x")
    with dock.app.app_context(), main_scope(reason="test"):
        announce_sandbox()
    work(door)
    assert [event.purchase_no for event in read(door, key.secret, buyer.bodies[-1])] == [own]
    assert door.orders_of(key) == 0


def test_a_revoked_key_signs_nothing(dock: Dock, buyer: Buyer) -> None:
    door = Door(dock, "kasushou")
    key = door.key(ENOUGH)
    buy(door, key, door.cards(1), f"{buyer.url}/x")
    dock.owner.execute("UPDATE api_key SET state = 'revoked' WHERE key_id = %s", (key.key_id,))
    work(door)
    assert buyer.bodies == []
    assert dropped(door, key) == 1
