"""What shoppers and their gateway send: orders by the form of the storefront, then signed notices."""

from __future__ import annotations

import hashlib
import re
from secrets import token_hex
from urllib.parse import urlencode

import psycopg
from flask import Flask
from tests.bench.fixture import (
    GATEWAY,
    GATEWAY_KEY,
    GATEWAY_PID,
    MAIN_HOST,
    Fixture,
    host_of,
)  # fmt: skip

_TOKEN = re.compile(r'name="_csrf" value="([^"]+)"')
_PRICES = """
SELECT l.station_id, s.code, (l.price + 50) / 100 * 100 FROM listing l JOIN sku s ON s.id = l.sku_id
WHERE s.code = ANY(%s) ORDER BY s.id, l.station_id
"""


class Shoppers:
    """Guests of all stations: each has a form's token and knows the price that it was shown."""

    def __init__(self, app: Flask, owner_url: str, fixture: Fixture) -> None:
        with psycopg.connect(owner_url) as owner:
            self._offers = owner.execute(_PRICES.encode(), (list(fixture.skus),)).fetchall()
        self._tokens = {station: _token(app, station) for station, _sku, _price in self._offers}

    def orders(self, count: int) -> list[bytes]:
        """`POST /orders`, as the checkout page sends it; every station and SKU in turn."""
        mark = token_hex(8)
        return [self._order(mark, number) for number in range(count)]

    def _order(self, mark: str, number: int) -> bytes:
        station, sku, price = self._offers[number % len(self._offers)]
        form = {
            "_csrf": self._tokens[station], "sku": sku, "quantity": "1", "key": f"{mark}-{number:07d}",
            "expected_payable": str(price), "contact": f"{mark}{number}@example.com",
            "method": f"{GATEWAY}:alipay", "agree": "1",
        }  # fmt: skip
        body = urlencode(form)
        head = (
            f"POST /orders HTTP/1.1\r\nHost: {host_of(station)}\r\nUser-Agent: Mozilla/5.0 bench\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return (head + body).encode()


class Gateway:
    """The gateway whose page the shopper was sent to; `path` is where it says that money is there."""

    def __init__(self, path: str) -> None:
        self._path = path

    def notice(self, answer: bytes) -> bytes:
        """The signed notice for the attempt that stands in the redirection to the gateway.

        Cheap on purpose: one digest over a text of a known form, as it runs beside what is measured.
        """
        number, money = _field(answer, b"out_trade_no="), _field(answer, b"money=")
        text = (
            f"money={money}&out_trade_no={number}&pid={GATEWAY_PID}&trade_no=gw{number}"
            "&trade_status=TRADE_SUCCESS&type=alipay"
        )
        sign = hashlib.md5((text + GATEWAY_KEY).encode(), usedforsecurity=False).hexdigest()
        return (
            f"GET {self._path}?{text}&sign={sign}&sign_type=MD5 HTTP/1.1\r\nHost: {MAIN_HOST}\r\n\r\n"
        ).encode()


def _field(answer: bytes, name: bytes) -> str:
    """A value of the address in the head; values of an address have no blanks."""
    at = answer.index(name) + len(name)
    end = answer.index(b"\r\n", at)
    return answer[at:end].partition(b"&")[0].decode()


def _token(app: Flask, station: int) -> str:
    page = app.test_client().get("/orders/lookup", base_url=f"http://{host_of(station)}")
    found = _TOKEN.search(page.text)
    if found is None:
        raise ValueError(f"no form on the page of {host_of(station)}: {page.status_code}")
    return found[1]
