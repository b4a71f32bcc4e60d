"""Front pages drawn without Flask's dispatch: nobody who asks can tell them from Flask's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import request, request_started, url_for

from kameng.stations import api as stations
from kameng.web import host_in_doubt, kept_pages, limits

from .visitors import MAIN, PHONE, SU, TOKEN, YE, Shop, shop_of, told

HTTPS = {"wsgi.url_scheme": "https"}


@pytest.fixture
def shop(market: Any) -> Iterator[Shop]:
    with shop_of(market) as found:
        yield found


@contextmanager
def way_of_flask() -> Iterator[list[str]]:
    """The paths that came to Flask meanwhile."""
    came: list[str] = []
    with request_started.connected_to(lambda _app, **_more: came.append(request.path)):
        yield came


@contextmanager
def drawn_by(shop: Shop, view: Callable[[], str]) -> Iterator[None]:
    """Another drawing of the front page; whose the host is, is known."""
    shop.by_flask()
    drawings = shop.house.drawings
    before = drawings["/"]
    drawings["/"] = replace(before, view=view)
    try:
        yield
    finally:
        drawings["/"] = before


def forget(shop: Shop) -> None:
    """No page and no host is known, but whose the host was."""
    shop.house.clear()
    stations.forget_hosts()


@pytest.mark.parametrize("base", [MAIN, YE, SU])
@pytest.mark.parametrize("headers", [
    {}, {"Cookie": "km_lang=en"}, {"Cookie": "km_mode=dark"}, {"Cookie": "km_ck=1; km_mode=light"},
    {"User-Agent": PHONE}, {"HX-Request": "true"}, {"Accept-Language": "en"}, {"Range": "bytes=0-9"},
    {"If-None-Match": "*"}, {"X-Forwarded-Host": "yehang.localhost:8000"},
])  # fmt: skip
def test_a_drawn_page_is_flasks_page(shop: Shop, base: str, headers: dict[str, str]) -> None:
    usual = told(shop.by_flask("/", base, headers=headers))
    with way_of_flask() as came:
        for _guessed in range(2):
            forget(shop)
            assert told(shop.get("/", base, headers=headers)) == usual
    assert came == []


def test_a_drawn_page_over_https_is_flasks_page(shop: Shop) -> None:
    usual = shop.by_flask(environ_overrides=HTTPS)
    with way_of_flask() as came:
        assert told(shop.get(environ_overrides=HTTPS)) == told(usual)
    assert came == []
    assert "Strict-Transport-Security" in usual.headers


def test_a_page_has_one_token_and_the_next_another(shop: Shop) -> None:
    found = []
    for _n in range(2):
        shop.house.clear()
        found.append(set(TOKEN.findall(shop.get().text)))
    first, second = found
    assert len(first) == len(second) == 1
    assert first != second
    form = {"mode": "dark", "back": "/", "_csrf": second.pop()}
    client = shop.market.app.test_client()
    assert client.post("/mode", data=form, base_url=MAIN).status_code == 303
    assert client.post("/mode", data=form, base_url=YE).status_code == 400


@pytest.mark.parametrize(("path", "options"), [
    ("/?sort=price", {}), ("/?lang=en", {}), ("/?x=1", {}), ("/categories", {}),
    ("/", {"headers": {"Cookie": "unknown=1"}}), ("/", {"headers": {"Authorization": "Basic x"}}),
    ("/", {"data": "x"}), ("/", {"environ_overrides": {"REQUEST_METHOD": "HEAD"}}),
])  # fmt: skip
def test_what_is_unusual_is_drawn_by_flask(shop: Shop, path: str, options: Any) -> None:
    with way_of_flask() as came:
        assert shop.get(path, **options).status_code == 200
    assert came == [path.partition("?")[0]]


def test_a_drawing_that_fails_is_left_to_flask(shop: Shop) -> None:
    def broken() -> str:
        raise LookupError("no such thing")

    usual = told(shop.by_flask())
    with drawn_by(shop, broken), way_of_flask() as came:
        assert told(shop.get()) == usual
    assert came == ["/"]


def test_a_drawing_that_knows_somebody_is_left_to_flask(shop: Shop) -> None:
    def noted() -> str:
        from flask import session

        session["seen"] = 1
        return "<p>mine"

    with drawn_by(shop, noted), way_of_flask() as came:
        assert "<p>mine" not in shop.get().text
    assert came == ["/"]


def test_a_drawing_may_ask_for_addresses_and_for_the_request(shop: Shop) -> None:
    def asking() -> str:
        words = (request.endpoint, request.host, request.args.get("x"), request.cookies.get("x"))
        return f"{url_for('shop.home')} {words}"

    with drawn_by(shop, asking):
        assert shop.get().text == "/ ('shop.home', 'main.localhost:8000', None, None)"


def test_what_is_to_be_called_at_the_end_of_a_request_is_called(shop: Shop) -> None:
    ended: list[str] = []
    hooks = shop.market.app.teardown_request_funcs
    hooks.setdefault(None, []).append(lambda _error: ended.append(request.path))
    try:
        shop.get()
    finally:
        del hooks[None]
    assert ended == ["/"]


def test_a_host_that_was_only_guessed_has_to_be_confirmed(shop: Shop) -> None:
    doubts: list[str | None] = []

    def careless() -> str:
        doubts.append(host_in_doubt())
        return "<p>whose?"

    with drawn_by(shop, careless), way_of_flask() as came:
        forget(shop)
        assert "<p>whose?" not in shop.get().text
    assert (doubts, came) == (["main.localhost"], ["/"])


def test_a_host_that_has_moved_shows_its_new_station_at_once(shop: Shop) -> None:
    owner, move = shop.market.owner, "UPDATE host SET station_id = %s WHERE host = %s"
    before = told(shop.get("/", SU))
    try:
        owner.execute(move, (2, "sudan.localhost"))
        forget(shop)
        text = shop.get("/", SU).text
        assert "<title>夜航电玩</title>" in text
        assert "素单" not in text
    finally:
        owner.execute(move, (3, "sudan.localhost"))
        forget(shop)
    assert told(shop.get("/", SU)) == before


def test_a_host_that_was_taken_away_shows_nothing(shop: Shop) -> None:
    owner, switch = shop.market.owner, "UPDATE host SET active = %s WHERE host = 'sudan.localhost'"
    assert shop.get("/", SU).status_code == 200
    try:
        owner.execute(switch, (False,))
        forget(shop)
        assert [shop.get("/", SU).status_code for _n in range(2)] == [421, 421]
    finally:
        owner.execute(switch, (True,))
        forget(shop)


@pytest.mark.parametrize(
    ("column", "value", "status"),
    [("notice", "Neu", 200), ("theme", "ye", 200), ("state", "suspended", 503)],
)
def test_a_station_that_has_changed_is_never_shown_as_it_was(
    shop: Shop, column: str, value: str, status: int
) -> None:
    owner, change = shop.market.owner, f"UPDATE station SET {column} = %s WHERE id = 3"
    kept = owner.execute(f"SELECT {column} FROM station WHERE id = 3").fetchone()
    before = told(shop.get("/", SU))
    try:
        owner.execute(change, (value,))
        forget(shop)
        answers = [shop.get("/", SU), shop.by_flask("/", SU)]
        assert [answer.status_code for answer in answers] == [status, status]
        drawn, usual = map(told, answers)
        assert drawn != before
        assert status == 503 or drawn == usual  # the page of a closed shop shows its number
    finally:
        owner.execute(change, kept)
        forget(shop)
    assert told(shop.get("/", SU)) == before


def test_a_drawn_page_is_counted_and_logged(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    counts = shop.market.app.extensions["kameng.metrics"]
    with caplog.at_level(logging.INFO, "kameng.access"):
        before = counts.pending["GET 2xx"], counts.flushed_at
        answer = shop.get("/", SU)
    line = vars(caplog.records[-1])
    assert (line["method"], line["route"], line["status"]) == ("GET", "/", 200)
    assert (line["station"], line["request_id"]) == (3, answer.headers["X-Request-Id"])
    assert (counts.pending["GET 2xx"], counts.flushed_at) != before


def test_a_drawn_page_counts_against_the_visitors_limit(shop: Shop) -> None:
    address = "198.51.100.78"
    limits._seen.add(address)  # the minute is this one
    limits._seen.counts[address] = limits.PAGES_UNASKED_PER_MIN
    with shop.market.app.app_context():
        from flask import g

        g.station = stations.resolve_host("main.localhost")
        for _n in range(2):
            limits.limit(
                "pages", address, limits.PAGES_PER_MIN, 60, cost=limits.PAGES_PER_MIN // 2
            )  # fmt: skip
    assert shop.get(environ_overrides={"REMOTE_ADDR": address}).status_code == 429
    assert not shop.house.pages
    assert shop.get().status_code == 200


def test_without_redis_a_page_is_drawn_all_the_same(shop: Shop) -> None:
    from kameng import redis

    app = shop.market.app
    usual, client = told(shop.by_flask()), app.extensions[redis.EXTENSION]
    app.extensions[redis.EXTENSION] = redis.connect("redis://127.0.0.1:1/0")
    try:
        with way_of_flask() as came:
            assert told(shop.get()) == usual
        assert came == []
    finally:
        app.extensions[redis.EXTENSION] = client
        app.extensions.pop("kameng.catalog.cache", None)


def test_a_page_that_was_drawn_is_kept(shop: Shop) -> None:
    shop.get()
    assert len(shop.house.pages) == 1
    asked: list[int] = []

    def counting() -> str:
        asked.append(1)
        return "<p>again"

    with drawn_by(shop, counting):
        assert "<p>again" not in shop.get().text
        shop.clock.now += kept_pages.FRESH_S + 0.1
        assert shop.get().text == "<p>again"
    assert asked == [1]
