"""Visitors whom nobody knows, and what they are told without what is new in each answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kameng.web import kept_pages

MAIN = "http://main.localhost:8000"
YE = "http://yehang.localhost:8000"
SU = "http://sudan.localhost:8000"
TOKEN = re.compile(r"a\.\d{10}\.[\w-]{16}\.[0-9a-f]{64}")
PHONE = "Mozilla/5.0 (iPhone) MicroMessenger/8.0"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Shop:
    """A market whose kept pages have a clock of their own."""

    def __init__(self, market: Any) -> None:
        self.market, self.clock = market, Clock()
        self.house = market.app.extensions[kept_pages.EXTENSION]

    def get(self, path: str = "/", base: str = MAIN, **options: Any) -> TestResponse:
        """As a visitor who was never here before."""
        client: FlaskClient = self.market.app.test_client(use_cookies=False)
        return client.get(path, base_url=base, **options)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Everything goes Flask's way."""
        house = self.market.app.extensions.pop(kept_pages.EXTENSION)
        try:
            yield
        finally:
            self.market.app.extensions[kept_pages.EXTENSION] = house

    def by_flask(self, path: str = "/", base: str = MAIN, **options: Any) -> TestResponse:
        with self.closed():
            return self.get(path, base, **options)


@contextmanager
def shop_of(market: Any) -> Iterator[Shop]:
    """The market's shop with a clock of its own and nothing kept, before and after."""
    market.browser()
    found = Shop(market)
    before, found.house.clock = found.house.clock, found.clock
    found.house.clear()
    try:
        yield found
    finally:
        found.house.clock = before
        found.house.clear()


def told(answer: TestResponse) -> tuple[int, dict[str, str], str]:
    """Status, headers and text without what is new each time."""
    nonces = re.findall(r"'nonce-([\w-]+)'", answer.headers.get("Content-Security-Policy", ""))
    text, headers = TOKEN.sub("TOKEN", answer.text), dict(answer.headers)
    assert len(headers) == len(list(answer.headers))
    assert len(headers.pop("X-Request-Id")) == 32
    for nonce in set(nonces):
        text = text.replace(nonce, "NONCE")
        headers["Content-Security-Policy"] = headers["Content-Security-Policy"].replace(nonce, "N")
    return answer.status_code, headers, text
