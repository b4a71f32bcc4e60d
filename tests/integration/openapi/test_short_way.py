"""Buying by the short way and by Flask's: nobody who asks can tell one from the other."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.openapi.docking import DEER, JIANGNAN, Dock, Key, new_number
from tests.integration.openapi.programs import headers

from kameng.db import station_scope
from kameng.promotions import api as promotions
from kameng.web import metrics, short_way

PATH = "/api/v1/orders"
OURS = ("order_no", "merchant_order_no", "created_at", "paid_at", "delivered_at", "request_id")


@contextmanager
def closed(dock: Dock) -> Iterator[None]:
    """Everything goes Flask's way."""
    ways = dock.app.extensions.pop(short_way.EXTENSION)
    try:
        yield
    finally:
        dock.app.extensions[short_way.EXTENSION] = ways


@contextmanager
def counted(dock: Dock) -> Iterator[list[str]]:
    """Which requests the short way has answered itself."""
    ways = dock.app.extensions[short_way.EXTENSION]
    address = ("POST", PATH)
    way, seen = ways[address], []

    def view(environ: Any, body: bytes) -> Any:
        found = way.view(environ, body)
        seen.append("answered" if found else "left")
        return found

    ways[address] = short_way.Way(view, way.most_body)
    try:
        yield seen
    finally:
        ways[address] = way


def order(sku: str, **changes: Any) -> dict[str, Any]:
    return {"sku": sku, "quantity": 1, "merchant_order_no": new_number()} | changes


def send(dock: Dock, key: Key, content: Any, *, path: str = PATH, **changes: Any) -> Any:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    station = changes.pop("station", DEER)
    extra = changes.pop("extra", {})
    signed = headers(key, "POST", path, body, **changes) | extra
    return dock.send("POST", path, station, data=body, headers=signed)


def told(answer: Any) -> tuple[int, dict[str, str], Any]:
    """Status, headers and content without what is new each time."""
    content = answer.get_json()
    for name in OURS:
        content.pop(name, None)
    content["cards"] = len(content.get("cards", ()))
    if "server_time" in content:
        content["server_time"] = abs(content["server_time"] - time.time()) < 5  # not its second
    # When a cookie ends is another second in another answer.
    plain = {name: re.sub("Expires=[^;]+", "", value) for name, value in answer.headers}
    found = {name: value for name, value in plain.items() if name != "X-Request-Id"}
    found["RateLimit"] = re.sub(r"[rt]=\d+", "", found.get("RateLimit", ""))
    found.pop("Content-Length", None)
    return answer.status_code, found, content


@pytest.fixture
def key(dock: Dock) -> Key:
    return dock.key("native")


def sku_of(dock: Dock, cards: int = 8, **options: Any) -> str:
    number = dock.goods(cards=cards, **options)
    return str(dock.one("SELECT code FROM sku WHERE id = %s", number))


def sold_out(dock: Dock, sku: str) -> str:
    """A running flash sale of one unit, which somebody has."""
    now = datetime.now(UTC)
    terms = promotions.Terms(sku, 97_0000, 1, now, now + timedelta(hours=1))
    with dock.app.app_context(), station_scope(DEER):
        for sale in promotions.shown_sales():
            promotions.close_sale(sale.sale_no, "test")
        found = promotions.plan_sale(terms, "test")
    assert send(dock, dock.key("native"), order(sku, flash_sale=found)).status_code == 201
    return found


REQUESTS: dict[str, Any] = {
    "bought": lambda dock, key, sku: send(dock, key, order(sku)),
    "several": lambda dock, key, sku: send(dock, key, order(sku, quantity=2, max_total="500.00")),
    "too dear": lambda dock, key, sku: send(dock, key, order(sku, max_total="0.01")),
    "unknown goods": lambda dock, key, sku: send(dock, key, order("NOBODY-HAS-IT")),
    "sold out": lambda dock, key, sku: send(dock, key, order(sku_of(dock, 0))),
    "no money": lambda dock, key, sku: send(dock, dock.key("native", balance=0), order(sku)),
    "no JSON": lambda dock, key, sku: send(dock, key, b"{"),
    "twice in one object": lambda dock, key, sku: send(dock, key, b'{"sku":"a","sku":"b"}'),
    "unknown field": lambda dock, key, sku: send(dock, key, order(sku, price="1.00")),
    "a text for a number": lambda dock, key, sku: send(dock, key, order(sku, quantity="1")),
    "no quantity": lambda dock, key, sku: send(dock, key, order(sku, quantity=0)),
    "no signature": lambda dock, key, sku: send(
        dock, key, order(sku), extra={"Kameng-Signature": ""}),
    "wrong signature": lambda dock, key, sku: send(
        dock, key, order(sku), extra={"Kameng-Signature": "0" * 64}),
    "long ago": lambda dock, key, sku: send(dock, key, order(sku), at=time.time() - 900),
    "another station's key": lambda dock, key, sku: send(dock, key, order(sku), station=JIANGNAN),
    "no right to buy": lambda dock, key, sku: send(
        dock, dock.key("native", scopes=("orders.read",)), order(sku)),
    "too large": lambda dock, key, sku: send(dock, key, b" " * 70_000),
    "an empty body": lambda dock, key, sku: send(dock, key, b""),
    "a query": lambda dock, key, sku: send(dock, key, order(sku), path=PATH + "?lang=en"),
    "a parameter": lambda dock, key, sku: send(dock, key, order(sku), path=PATH + "?a=1"),
    "a flash sale that is sold out": lambda dock, key, sku: send(
        dock, key, order(sku, flash_sale=sold_out(dock, sku))),
    "a flash sale that nobody has planned": lambda dock, key, sku: send(
        dock, key, order(sku, flash_sale="F26110000000001")),
    "the sandbox": lambda dock, key, sku: send(
        dock, dock.key("native", sandbox=True), order(sku)),
    "a notify_url into our network": lambda dock, key, sku: send(
        dock, key, order(sku, notify_url="http://127.0.0.1/x")),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_both_ways_give_the_same_answer(dock: Dock, key: Key, name: str) -> None:
    sku = sku_of(dock)
    short = told(REQUESTS[name](dock, key, sku))
    with closed(dock):
        usual = told(REQUESTS[name](dock, key, sku))
    assert short == usual


def test_a_copy_and_a_repeat_are_told_alike(dock: Dock, key: Key) -> None:
    wanted = order(sku_of(dock))
    first, again = send(dock, key, wanted), send(dock, key, wanted)
    with closed(dock):
        usual = send(dock, key, wanted)
    assert (first.status_code, again.status_code, usual.status_code) == (201, 200, 200)
    assert first.data == again.data == usual.data
    assert told(again) == told(usual)
    body = json.dumps(order(wanted["sku"])).encode()
    signed = headers(key, "POST", PATH, body)
    answers = [dock.send("POST", PATH, data=body, headers=signed) for _n in range(2)]
    with closed(dock):
        answers.append(dock.send("POST", PATH, data=body, headers=signed))
    assert [one.status_code for one in answers] == [201, 401, 401]
    assert told(answers[1]) == told(answers[2])


def test_the_short_way_takes_what_is_plain_and_leaves_the_rest(dock: Dock, key: Key) -> None:
    sku = sku_of(dock)
    with counted(dock) as seen:
        send(dock, key, order(sku))
        send(dock, key, order(sku), extra={"Kameng-Signature": "0" * 64})
        send(dock, key, order(sku), path=PATH + "?lang=en")
        send(dock, key, b" " * 70_000)
        dock.send("POST", PATH, DEER, data=b"x", headers={"Host": "nobody.test"})
    assert seen == ["answered", "left"]  # the others did not even come so far


def test_a_fault_is_an_internal_error_in_the_catalogues_words(dock: Dock, key: Key) -> None:
    sku = sku_of(dock)
    dock.owner.execute("ALTER FUNCTION buy_with_balance RENAME TO gone_for_a_moment")
    raises = dock.app.config["PROPAGATE_EXCEPTIONS"]
    dock.app.config["PROPAGATE_EXCEPTIONS"] = False  # as outside of tests
    try:
        answer = send(dock, key, order(sku))
    finally:
        dock.app.config["PROPAGATE_EXCEPTIONS"] = raises
        dock.owner.execute("ALTER FUNCTION gone_for_a_moment RENAME TO buy_with_balance")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal")
    assert send(dock, key, order(sku)).status_code == 201


def test_both_ways_are_logged_and_counted(
    dock: Dock, key: Key, caplog: pytest.LogCaptureFixture
) -> None:
    sku = sku_of(dock)
    with caplog.at_level(logging.INFO, "kameng.access"), dock.app.app_context():
        metrics.flush()
        before = metrics.request_counts().get("POST 2xx", 0)
        send(dock, key, order(sku))
        with closed(dock):
            send(dock, key, order(sku))
        metrics.flush()
        assert metrics.request_counts()["POST 2xx"] == before + 2
    short, usual = (vars(one) for one in caplog.records if one.name == "kameng.access")
    for name in ("method", "route", "status", "ip", "station"):
        assert short[name] == usual[name]
    assert short["request_id"] != usual["request_id"]


def test_a_sold_out_flash_sale_is_refused_on_the_short_way(dock: Dock, key: Key) -> None:
    sku = sku_of(dock)
    sale = sold_out(dock, sku)
    with counted(dock) as seen:
        answer = send(dock, key, order(sku, flash_sale=sale))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "flash_sold_out")
    assert seen == ["answered"]
