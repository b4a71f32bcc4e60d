"""Signed purchases, ready to be sent: bytes on the wire, built before the clock runs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from secrets import token_hex

from tests.bench.fixture import AT_MAIN, HOT, Fixture, Key

from kameng.signing import signature

PATH = "/api/v1/orders"


def pair(fixture: Fixture, number: int) -> tuple[Key, str]:
    """Every member in turn, at every station every SKU within a thousand purchases."""
    sku = number // 10 + number % 10 * 10 + number // 100
    return fixture.keys[number % len(fixture.keys)], fixture.skus[sku % len(fixture.skus)]


def spread(fixture: Fixture, count: int) -> list[bytes]:
    """Purchases of all members and all SKUs."""
    return _signed([pair(fixture, number) for number in range(count)])


def one_sku(fixture: Fixture, count: int) -> list[bytes]:
    """Every member in turn wants the same SKU."""
    return _signed([(fixture.keys[n % len(fixture.keys)], HOT) for n in range(count)])


def one_wallet(fixture: Fixture, count: int) -> list[bytes]:
    """One member buys every SKU in turn."""
    return _signed([(fixture.keys[0], fixture.skus[n % len(fixture.skus)]) for n in range(count)])


def half_at_main(fixture: Fixture, count: int) -> list[bytes]:
    """Every second purchase at the main station, the others in turn at all below it."""
    return _signed([half(fixture, number) for number in range(count)])


def half(fixture: Fixture, number: int) -> tuple[Key, str]:
    """Who buys what then: the same mix however many stations there are."""
    turn, below = divmod(number, 2)
    keys = fixture.keys[AT_MAIN:] if below else fixture.keys[:AT_MAIN]
    return keys[turn % len(keys)], fixture.skus[(turn + turn // len(keys)) % len(fixture.skus)]


def of_sale(keys: Sequence[Key], sku: str, sale_no: str) -> list[bytes]:
    """One wish of each key for a unit of a flash sale."""
    mark, now = token_hex(6), str(int(time.time()))
    return [
        _request(key, sku, f"{mark}-{n}", now, {"flash_sale": sale_no})
        for n, key in enumerate(keys)
    ]


def _signed(pairs: Sequence[tuple[Key, str]]) -> list[bytes]:
    mark, now = token_hex(6), str(int(time.time()))
    return [_request(key, sku, f"{mark}-{n}", now) for n, (key, sku) in enumerate(pairs)]


def _request(
    key: Key, sku: str, number: str, now: str, more: Mapping[str, str] | None = None
) -> bytes:
    wish = {"sku": sku, "quantity": 1, "merchant_order_no": number, "max_total": "99.00"}
    body = json.dumps({**wish, **(more or {})}).encode()
    nonce = f"nonce-{number}"
    sign = signature(key.secret, "POST", PATH, now, nonce, body)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {key.host}\r\nUser-Agent: bench\r\n"
        f"Kameng-Key: {key.key_id}\r\nKameng-Timestamp: {now}\r\nKameng-Nonce: {nonce}\r\n"
        f"Kameng-Signature: {sign}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
