"""`POST /orders` by the short way and by Flask's: no shopper can tell one from the other."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import g
from limits import RateLimitItemPerSecond

from kameng.stations import api as stations
from kameng.web import limits, short_way
from kameng_tenants.shop.short_way import ADDRESS

from .conftest import MAIN, YE, hidden

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile"
FORM = "application/x-www-form-urlencoded"
# What is another one in each answer: numbers, keys, tokens, nonces, names of requests; and what is
# left of the goods, which is looked at every few seconds.
NEW = (
    r"(?<=/o/)\d{16,20}", r"(?<=[?&]k=)[A-Z0-9]+", r"(?<=k%3D)[A-Z0-9]+",
    r"(?<=out_trade_no=)\w+", r"(?<=/cashier/)\d+", r"(?<=sign=)\w+", r"(?<=%2Fo%2F)\d{16,20}",
    r"(?<=km_orders=)[^;]+", r"(?<=nonce[=-])[\"\w-]+", r"a\.\d{10}\.[\w.-]+",
    r'(?<=name="key" value=")[\w-]+', r"\b[0-9a-f]{32}\b", r"(?<=<code>)[0-9a-f]{12}(?=<)",
    r"(?<=Expires=)[^;]+", r"138\d{8}", r"(?<=max=\")\d+", r"(?<=data-stock=\")\d+",
    r"余 \d+|库存充足", r"现货|仅剩 ?\d+",
)  # fmt: skip


@contextmanager
def closed(market: Any) -> Iterator[None]:
    """Everything goes Flask's way."""
    ways = market.app.extensions[short_way.EXTENSION]
    way = ways.pop(ADDRESS)
    try:
        yield
    finally:
        ways[ADDRESS] = way


@contextmanager
def counted(market: Any) -> Iterator[list[str]]:
    """What the short way has done with each request that it was shown."""
    ways = market.app.extensions[short_way.EXTENSION]
    way, seen = ways[ADDRESS], []

    def view(environ: Any, body: bytes) -> Any:
        seen.append("refused")
        found = way.view(environ, body)
        seen[-1] = "answered" if found else "left"
        return found

    ways[ADDRESS] = short_way.Way(view, way.most_body, way.audience, way.headers)
    try:
        yield seen
    finally:
        ways[ADDRESS] = way


def visitor(market: Any, address: str = "") -> Any:
    """A browser that nobody has seen, at an address that holds no unpaid orders."""
    browser = market.browser()
    browser.environ_base["REMOTE_ADDR"] = address or new_address()
    return browser


def new_address() -> str:
    return "10." + ".".join(str(secrets.randbelow(250)) for _part in range(3))


def form_of(market: Any, browser: Any, sku: str = "XH30", base: str = MAIN, **changes: str) -> Any:
    station = 1 if base == MAIN else 2
    price = market.count(
        "SELECT price FROM listing WHERE station_id = %s AND sku_id = %s",
        station, market.skus[sku],
    )  # fmt: skip
    page = browser.get("/orders/lookup", base_url=base).text
    quantity = int(changes.get("quantity", "1"))
    return {
        "_csrf": hidden(page, "_csrf"), "sku": sku, "quantity": "1",
        "key": secrets.token_urlsafe(24), "contact": f"138{secrets.randbelow(10**8):08}",
        "expected_payable": str((price * quantity + 50) // 100 * 100),
        "method": "payment-epay:alipay", "agree": "1",
    } | changes  # fmt: skip


def send(market: Any, browser: Any, form: Any, base: str = MAIN, **options: Any) -> Any:
    return browser.post("/orders", data=form, base_url=base, **options)


def told(answer: Any) -> tuple[int, list[tuple[str, str]], str]:
    """Status, headers and content without what is new each time."""
    fresh = ("X-Request-Id", "Content-Length")
    found = [(name, same(value)) for name, value in answer.headers if name not in fresh]
    return answer.status_code, sorted(found), same(answer.text)


def same(text: str) -> str:
    for new in NEW:
        text = re.sub(new, "*", text)
    return text


def buy(**changes: str) -> Any:
    return lambda market, browser: send(market, browser, form_of(market, browser, **changes))


def twice(market: Any, browser: Any) -> Any:
    form = form_of(market, browser)
    send(market, browser, form)
    return send(market, browser, form)


def other_goods_by_one_key(market: Any, browser: Any) -> Any:
    form = form_of(market, browser)
    send(market, browser, form)
    return send(market, browser, form | {"contact": "13900139000"})


def with_cookies(market: Any, browser: Any, **cookies: str) -> Any:
    for name, value in cookies.items():
        browser.set_cookie(name, value, domain="main.localhost")
    return send(market, browser, form_of(market, browser))


def after_another(market: Any, browser: Any) -> Any:
    send(market, browser, form_of(market, browser))
    return send(market, browser, form_of(market, browser))


ANSWERED: dict[str, Any] = {
    "bought": buy(),
    "several": buy(quantity="2"),
    "with fields": buy(sku="P100", **{"in.phone": "138 0013 6021"}),
    "by mail": buy(contact="Somebody@Example.com"),
    "at another station": lambda market, browser: send(
        market, browser, form_of(market, browser, base=YE), YE),
    "on a phone": lambda market, browser: send(
        market, browser, form_of(market, browser), headers={"User-Agent": PHONE}),
    "from our own page": lambda market, browser: send(
        market, browser, form_of(market, browser),
        headers={"Origin": MAIN, "Sec-Fetch-Site": "same-origin"}),
    "in English": lambda market, browser: with_cookies(market, browser, km_lang="en"),
    "with the probe": lambda market, browser: with_cookies(market, browser, km_ck="1"),
    "with a spoilt cookie": lambda market, browser: with_cookies(market, browser, km_orders="x"),
    "the second of a browser": after_another,
    "the same once more": twice,
    "from the wallet": buy(method="payment-balance:balance"),
    "an unknown method": buy(method="payment-epay:nothing"),
    "an unusable key": buy(key="x"),
}  # fmt: skip
REFUSED: dict[str, Any] = {
    "the price has changed": buy(expected_payable="10000"),
    "nothing left": buy(sku="EMPTY"),
    "less left than wanted": buy(sku="LONE", quantity="3"),
    "another order has the key": other_goods_by_one_key,
    "the price in English": lambda market, browser: with_english(market, browser),
}
LEFT: dict[str, Any] = {
    "no token": buy(_csrf=""),
    "a token of another host": lambda market, browser: send(
        market, browser, form_of(market, browser), YE),
    "a foreign page": lambda market, browser: send(
        market, browser, form_of(market, browser), headers={"Origin": "https://evil.example"}),
    "a page of a sister": lambda market, browser: send(
        market, browser, form_of(market, browser), headers={"Sec-Fetch-Site": "same-site"}),
    "a token in the header": lambda market, browser: send(
        market, browser, form_of(market, browser), headers={"X-CSRF-Token": "nothing"}),
    "unknown goods": lambda market, browser: send(
        market, browser, form_of(market, browser) | {"sku": "NOBODY-HAS-IT"}),
    "no quantity": buy(quantity="0"),
    "too many": lambda market, browser: send(
        market, browser, form_of(market, browser) | {"quantity": "9999999999"}),
    "no contact": buy(contact="nobody"),
    "no consent": buy(agree=""),
    "no method": buy(method=""),
    "a field that is wrong": buy(sku="P100", **{"in.phone": "1380013602"}),
    "a field that is missing": buy(sku="P100"),
    "a query": lambda market, browser: browser.post(
        "/orders?lang=en", data=form_of(market, browser), base_url=MAIN),
    "as parts": lambda market, browser: send(
        market, browser, form_of(market, browser), content_type="multipart/form-data"),
    "a session": lambda market, browser: with_session(market, browser),
    "a host in capitals": lambda market, browser: browser.post(
        "/orders", data=form_of(market, browser), base_url=MAIN,
        headers={"Host": "MAIN.localhost:8000"}),
    "a cookie in Chinese": lambda market, browser: market.app.test_client(use_cookies=False).post(
        "/orders", data=form_of(market, browser), base_url=MAIN,
        headers={"Cookie": "word=\u00e4\u00bd\u00a0"}),
    "bytes that are no text": lambda market, browser: send(
        market, browser, b"contact=%FF%FE&sku=XH30", content_type=FORM),
    "nothing": lambda market, browser: send(market, browser, b"", content_type=FORM),
    "JSON": lambda market, browser: send(
        market, browser, b"{}", content_type="application/json"),
    "too long": buy(note="x" * 20_000),
    "an unknown host": lambda market, browser: send(
        market, browser, form_of(market, browser), "http://nobody.localhost:8000"),
}  # fmt: skip


def with_english(market: Any, browser: Any) -> Any:
    browser.set_cookie("km_lang", "en", domain="main.localhost")
    return send(market, browser, form_of(market, browser, expected_payable="10000"))


def with_session(market: Any, browser: Any) -> Any:
    browser.set_cookie("__Host-kameng", "x" * 43, domain="main.localhost", secure=False)
    return send(market, browser, form_of(market, browser))


@pytest.mark.parametrize("name", [*ANSWERED, *REFUSED, *LEFT])
def test_both_ways_answer_alike(market: Any, name: str) -> None:
    request = (ANSWERED | REFUSED | LEFT)[name]
    with counted(market) as seen:
        short = told(request(market, visitor(market)))
    with closed(market):
        long = told(request(market, visitor(market)))
    assert short == long
    wanted = {**dict.fromkeys(ANSWERED, "answered"), **dict.fromkeys(REFUSED, "refused")}
    assert seen[-1] == wanted[name] if name in wanted else seen in ([], ["left"])


def test_what_was_refused_by_the_short_way_leaves_no_order_and_one_decision(market: Any) -> None:
    before = market.count("SELECT count(*) FROM orders")
    decisions = market.count("SELECT count(*) FROM risk_decision")
    browser = visitor(market)
    assert send(market, browser, form_of(market, browser, sku="EMPTY")).status_code == 409
    assert market.count("SELECT count(*) FROM orders") == before
    assert market.count("SELECT count(*) FROM risk_decision") == decisions + 1


def test_a_closed_shop_takes_no_order_by_the_short_way(market: Any) -> None:
    browser = visitor(market)
    form = form_of(market, browser)
    market.owner.execute("UPDATE station SET state = 'suspended' WHERE id = 1")
    try:
        market.browser()  # forgets hosts
        with counted(market) as seen:
            answer = send(market, browser, form)
    finally:
        market.owner.execute("UPDATE station SET state = 'active' WHERE id = 1")
        market.browser()
    assert (answer.status_code, seen) == (503, ["left"])


@pytest.mark.parametrize("changes", [{}, {"agree": ""}, {"expected_payable": "10000"}])
def test_each_order_is_counted_once_whatever_becomes_of_it(
    market: Any, changes: dict[str, str]
) -> None:
    address = new_address()
    browser = visitor(market, address)
    send(market, browser, form_of(market, browser, **changes))
    assert left_of(market, address) == limits.WRITES_PER_MIN - 1


def test_too_many_orders_are_refused_as_by_flask(market: Any) -> None:
    answers = []
    for way in (counted, closed):
        address = new_address()
        use_up(market, address)
        browser = visitor(market, address)
        with way(market):
            answers.append(told(send(market, browser, form_of(market, browser))))
    assert answers[0] == answers[1]
    assert answers[0][0] == 429


def use_up(market: Any, address: str) -> None:
    with market.app.app_context():
        g.station = stations.resolve_host("main.localhost:8000")
        limits.limit("writes", address, limits.WRITES_PER_MIN, 60, cost=limits.WRITES_PER_MIN)


def left_of(market: Any, address: str) -> int:
    """How many more the address may send in this minute."""
    with market.app.app_context():
        limiter = market.app.extensions[limits.EXTENSION]
        item = RateLimitItemPerSecond(limits.WRITES_PER_MIN, 60)
        return int(limiter.get_window_stats(item, "writes", "1", address).remaining)
