"""Notices by the short way and by Flask's: no gateway can tell one from the other."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from kameng.web import metrics, short_way

from .test_callbacks import DEER, Gateway, notice, signed

WAYS = [(method, "/hooks/") for method in ("GET", "POST")]


@pytest.fixture
def gateway(shop: Any) -> Gateway:
    return Gateway(shop)


@contextmanager
def closed(gateway: Gateway) -> Iterator[None]:
    """Everything goes Flask's way."""
    ways = gateway.shop.app.extensions.pop(short_way.EXTENSION)
    try:
        yield
    finally:
        gateway.shop.app.extensions[short_way.EXTENSION] = ways


@contextmanager
def counted(gateway: Gateway) -> Iterator[list[str]]:
    """Which requests the short way has answered itself."""
    ways, seen = gateway.shop.app.extensions[short_way.EXTENSION], list[str]()
    real = ways[WAYS[0]]

    def view(environ: Any, body: bytes) -> Any:
        found = real.view(environ, body)
        seen.append("answered" if found else "left")
        return found

    watched = short_way.Way(view, real.most_body, real.audience, real.headers, real.route, True)
    ways.update(dict.fromkeys(WAYS, watched))
    try:
        yield seen
    finally:
        ways.update(dict.fromkeys(WAYS, real))


def paid(gateway: Gateway) -> dict[str, str]:
    placed = gateway.shop.place(gateway.shop.sku(cards=1))
    number = gateway.shop.attempt(DEER, placed.payable, order=placed.order_id)
    return signed(notice(number, "98.61"))


def ask(gateway: Gateway, query: Any = "", path: str = "", **request: Any) -> Any:
    return gateway.send(query, path or gateway.main_path, **request)


# Each sends a notice of its own; the second word says who answers.
REQUESTS: dict[str, tuple[Any, list[str]]] = {
    "paid": (lambda g: ask(g, paid(g)), ["answered"]),
    "paid, as a form": (
        lambda g: ask(g, method="POST", data=urlencode(paid(g)),
                      content_type="application/x-www-form-urlencoded"), ["answered"]),
    "an unknown attempt": (lambda g: ask(g, signed(notice("T0", "1.00"))), ["answered"]),
    "a wrong signature": (lambda g: ask(g, paid(g) | {"sign": "0" * 32}), ["answered"]),
    "nothing": (lambda g: ask(g), ["answered"]),
    "an unknown token": (lambda g: ask(g, paid(g), "/hooks/payment-epay/nobody"), ["answered"]),
    "an unknown plugin": (lambda g: ask(g, paid(g), "/hooks/payment-x/nobody"), ["answered"]),
    "a supplier": (lambda g: ask(g, "", "/hooks/supplier-x/nobody"), ["left"]),
    "no token": (lambda g: ask(g, "", "/hooks/payment-epay/"), ["left"]),
    "more than a token": (lambda g: ask(g, "", g.main_path + "/x"), ["left"]),
    "an odd token": (lambda g: ask(g, "", "/hooks/payment-epay/%C3%A9"), []),
    "with a language": (lambda g: ask(g, paid(g) | {"lang": "en"}), ["left"]),
    "an odd query": (lambda g: ask(g, "a=%C3%A9&b=é"), ["left"]),
    "a look": (lambda g: ask(g, method="HEAD"), []),
    "another method": (lambda g: ask(g, method="PUT"), []),
    "too large": (lambda g: ask(g, method="POST", data=b"x" * 70_000), []),
    "largest": (lambda g: ask(g, method="POST", data=b"x" * 65_536), ["answered"]),
    "another host": (lambda g: ask(g, paid(g), headers={"Host": "nobody.example"}), []),
    "a name for the request": (
        lambda g: ask(g, paid(g), headers={"X-Request-Id": "abc-123"}), ["answered"]),
    "over https": (
        lambda g: ask(g, paid(g), environ_overrides={"wsgi.url_scheme": "https"}), ["answered"]),
}  # fmt: skip


def told(answer: Any) -> tuple[int, list[tuple[str, str]], str]:
    # When a cookie ends is another second in another answer.
    plain = [(k, re.sub("Expires=[^;]+", "", v)) for k, v in answer.headers]
    headers = [(k, v) for k, v in plain if k != "X-Request-Id" or v == "abc-123"]
    text = re.sub(r'"request_id": "\w+"', "", answer.text)
    return answer.status_code, sorted(headers), "" if answer.mimetype == "text/html" else text


@pytest.mark.parametrize("name", REQUESTS)
def test_both_ways_give_the_same_answer(gateway: Gateway, name: str) -> None:
    send, who = REQUESTS[name]
    with counted(gateway) as seen:
        short = told(send(gateway))
    assert seen == who
    with closed(gateway):
        assert told(send(gateway)) == short


@pytest.mark.parametrize("way", ["short", "Flask's"])
def test_a_notice_is_logged_without_its_token_and_counted(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    with gateway.shop.app.app_context():
        metrics.flush()
        before = metrics.request_counts().get("GET 2xx", 0)
    with caplog.at_level(logging.INFO, "kameng.access"):
        if way == "short":
            ask(gateway, paid(gateway))
        else:
            with closed(gateway):
                ask(gateway, paid(gateway))
    line = vars(caplog.records[-1])
    assert (line["route"], line["status"]) == ("/hooks/<plugin_id>/<token>", 200)
    with gateway.shop.app.app_context():
        metrics.flush()
        assert metrics.request_counts()["GET 2xx"] == before + 1


def test_a_fault_is_answered_as_flask_answers_it(gateway: Gateway) -> None:
    """A number beyond a bigint is refused by the database, deep inside."""
    huge = signed(notice("T0", "9" * 30))
    short = told(ask(gateway, huge))
    with closed(gateway):
        assert told(ask(gateway, huge)) == short
