"""Kept pages: nobody who asks can tell them from Flask's, and nobody gets what is another's."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import request_started

from kameng.web import kept_pages, limits
from kameng.web.sessions import SHOP_COOKIE

from .visitors import MAIN, PHONE, SU, TOKEN, YE, Shop, shop_of, told

PAGES = ("/", "/?sort=price", "/categories", "/c/games", "/search?q=星海", "/about/terms")


@pytest.fixture
def shop(market: Any) -> Iterator[Shop]:
    with shop_of(market) as found:
        yield found


@pytest.mark.parametrize("base", [MAIN, YE, SU])
@pytest.mark.parametrize("path", PAGES)
def test_a_kept_page_is_flasks_page(shop: Shop, path: str, base: str) -> None:
    first = shop.get(path, base)
    assert len(shop.house.pages) == 1
    asked: list[Any] = []
    with request_started.connected_to(lambda app, **_more: asked.append(app)):
        again = shop.get(path, base)
    assert asked == []  # it never came to Flask
    assert told(first) == told(again) == told(shop.by_flask(path, base))


def test_nonce_name_and_tokens_are_new_in_each_answer(shop: Shop) -> None:
    shop.get()
    pages = [shop.get() for _n in range(3)]
    assert len({page.headers["X-Request-Id"] for page in pages}) == 3
    policies = {page.headers["Content-Security-Policy"] for page in pages}
    assert len(policies) == 3
    assert len({TOKEN.findall(page.text)[0] for page in pages}) == 3
    for page in pages:
        nonce = re.findall(r"'nonce-([\w-]+)'", page.headers["Content-Security-Policy"])[0]
        used = set(re.findall(r'nonce="([^"]+)"', page.text))
        assert used == {nonce}


def test_a_token_of_a_kept_page_opens_its_own_host_alone(shop: Shop) -> None:
    shop.get()
    token = TOKEN.findall(shop.get().text)[0]
    form = {"mode": "dark", "back": "/", "_csrf": token}
    client = shop.market.app.test_client()
    assert client.post("/mode", data=form, base_url=MAIN).status_code == 303
    assert client.post("/mode", data=form, base_url=YE).status_code == 400


def test_head_is_answered_without_a_body(shop: Shop) -> None:
    page = shop.get()
    client = shop.market.app.test_client()
    head = client.head("/", base_url=MAIN)
    with shop.closed():
        usual = client.head("/", base_url=MAIN)
    assert told(head) == told(usual)
    assert head.data == b""
    assert head.headers["Content-Length"] == page.headers["Content-Length"]


def test_stations_with_the_same_path_never_mix(shop: Shop) -> None:
    names = {MAIN: "晴选数卡", YE: "夜航电玩", SU: "素单"}
    for _round in range(3):
        for base, name in names.items():
            text = shop.get("/", base).text
            assert f"<title>{name}</title>" in text
            assert not any(other in text for other in names.values() if other != name)
    assert len(shop.house.pages) == 3


@pytest.mark.parametrize("headers", [
    {"X-Forwarded-Host": "yehang.localhost:8000"},
    {"X-Forwarded-For": "203.0.113.9"},
    {"X-Forwarded-Proto": "https"},
    {"X-Original-URL": "/p/xinghai"},
    {"X-HTTP-Method-Override": "POST"},
    {"Forwarded": "host=evil.example"},
    {"Accept-Language": "en"},
    {"Accept": "application/json"},
    {"If-None-Match": "*"},
    {"Range": "bytes=0-9"},
])  # fmt: skip
def test_what_strangers_say_in_headers_poisons_no_page(shop: Shop, headers: dict[str, str]) -> None:
    usual = told(shop.by_flask(headers=headers))
    assert told(shop.get(headers=headers)) == usual
    assert told(shop.get(headers=headers)) == usual
    assert told(shop.get()) == told(shop.by_flask())


@pytest.mark.parametrize("host", ["MAIN.localhost:8000", "main.localhost:8001", "main.localhost"])
def test_another_spelling_of_a_host_has_tokens_of_its_own(shop: Shop, host: str) -> None:
    shop.get()
    for _n in range(2):
        page = shop.get("/", f"http://{host}")
        token = TOKEN.findall(page.text)[0]
        client = shop.market.app.test_client()
        form = {"mode": "dark", "back": "/", "_csrf": token}
        assert client.post("/mode", data=form, base_url=f"http://{host}").status_code == 303


@pytest.mark.parametrize("host", ["evil.example", "main.localhost@evil.example", "", "[::1]:8000"])
def test_a_host_that_is_none_of_ours_gets_no_page(shop: Shop, host: str) -> None:
    shop.get()
    for _n in range(2):
        answer = shop.get(headers={"Host": host}) if host else shop.get("/", "http://x.example")
        assert answer.status_code in (400, 421)


@pytest.mark.parametrize("cookie", [
    f"{SHOP_COOKIE}={'x' * 43}", "km_orders=1", "km_choice=1", "unknown=1", "km_mode=purple",
    "km_lang=xx", "km_mode=dark; km_mode=light", "km_mode", "=1", "km_ck=2",
])  # fmt: skip
def test_other_cookies_than_the_plain_ones_are_left_to_flask(shop: Shop, cookie: str) -> None:
    for _n in range(2):
        shop.get(headers={"Cookie": cookie})
    assert not shop.house.pages


def test_language_mode_and_device_have_pages_of_their_own(shop: Shop) -> None:
    kinds: list[dict[str, str]] = [
        {}, {"Cookie": "km_lang=en"}, {"Cookie": "km_mode=dark"}, {"Cookie": "km_ck=1; km_lang=en"},
        {"User-Agent": PHONE}, {"User-Agent": PHONE, "Cookie": "km_mode=light"},
    ]  # fmt: skip
    for _round in range(2):
        for headers in kinds:
            assert told(shop.get(headers=headers)) == told(shop.by_flask(headers=headers))
    assert len(shop.house.pages) == len(kinds)
    assert '<html lang="en"' in shop.get(headers={"Cookie": "km_lang=en"}).text
    assert "正在微信里浏览" in shop.get(headers={"User-Agent": PHONE}).text


def test_choosing_a_language_is_heard_and_not_kept(shop: Shop) -> None:
    for _n in range(2):
        answer = shop.get("/?lang=en")
        assert "km_lang=en" in answer.headers["Set-Cookie"]
    assert not shop.house.pages


def test_noise_in_the_query_fills_nothing(shop: Shop) -> None:
    for number in range(5):
        noisy = shop.get(f"/?utm_source={number}")
        assert noisy.status_code == 200
        assert "price" in shop.get(f"/?sort=price&x={number}").text
    shop.get("/?sort=hot&sort=new")
    assert not shop.house.pages


def test_a_page_that_sets_a_cookie_is_not_kept(shop: Shop) -> None:
    for _n in range(2):
        assert "km_ck" in shop.get("/p/xinghai").headers["Set-Cookie"]
    assert not shop.house.pages
    seen = {"Cookie": "km_ck=1"}
    pages = [told(shop.get("/p/xinghai", headers=seen)) for _n in range(2)]
    assert len(shop.house.pages) == 1
    assert pages == [told(shop.by_flask("/p/xinghai", headers=seen))] * 2


@pytest.mark.parametrize(
    "path", ["/login", "/orders/lookup", "/register", "/nothing", "/p/nothing"]
)
def test_pages_that_did_not_ask_for_it_are_not_kept(shop: Shop, path: str) -> None:
    shop.get(path)
    shop.get(path)
    assert not shop.house.pages


def test_a_member_neither_gets_nor_leaves_a_page(shop: Shop) -> None:
    shop.get()
    member = shop.market.app.test_client()
    shop.market.member(member, "kept@example.com")
    shop.house.clear()
    for _n in range(2):
        assert 'href="/me">' in member.get("/", base_url=MAIN, headers={}).text
        assert "kept@example.com" not in shop.get().text
    assert len(shop.house.pages) == 1
    left = member.get("/", base_url=MAIN)
    assert 'class="km-btn km-btn-primary km-btn-sm km-desktop" href="/login"' not in left.text


def test_a_price_is_seen_after_two_seconds_and_not_for_one_longer(shop: Shop) -> None:
    listing = (
        "UPDATE listing SET price = price + %s WHERE station_id = 1 AND sku_id ="
        " (SELECT id FROM sku WHERE code = 'LONE')"
    )
    before = told(shop.get("/c/games"))
    shop.market.owner.execute(listing, (7_0000,))
    try:
        shop.clock.now += kept_pages.FRESH_S
        assert told(shop.get("/c/games")) == before
        shop.clock.now += 0.01
        after = told(shop.get("/c/games"))
        assert after != before
        assert after == told(shop.get("/c/games")) == told(shop.by_flask("/c/games"))
    finally:
        shop.market.owner.execute(listing, (-7_0000,))


def test_one_visitor_draws_a_page_anew_while_others_have_the_old_one(shop: Shop) -> None:
    shop.get()
    [(key, page)] = shop.house.pages.items()
    shop.clock.now += kept_pages.FRESH_S + 0.1
    assert shop.house.find(key) is None
    assert shop.house.find(key) is page
    shop.clock.now += kept_pages.GRACE_S
    assert shop.house.find(key) is None


@pytest.mark.parametrize("change", [
    "notice = 'Neu'", "theme = 'su'", "tagline = 'Neu'", "theme_settings = '{\"accent\": \"#aa0000\"}'",
])  # fmt: skip
def test_a_change_of_the_station_is_seen_as_soon_as_its_host_is(shop: Shop, change: str) -> None:
    from kameng.stations import api as stations

    owner = shop.market.owner
    kept = ("notice", "theme", "tagline", "theme_settings::text")
    row = owner.execute(f"SELECT {', '.join(kept)} FROM station WHERE id = 1").fetchone()
    before = told(shop.get())
    try:
        owner.execute(f"UPDATE station SET {change} WHERE id = 1")
        stations.forget_hosts()
        assert told(shop.get()) != before
    finally:
        owner.execute(
            "UPDATE station SET notice = %s, theme = %s, tagline = %s, theme_settings = %s::jsonb"
            " WHERE id = 1", row
        )  # fmt: skip
        stations.forget_hosts()


def test_a_suspended_station_stops_at_once(shop: Shop) -> None:
    from kameng.stations import api as stations

    owner = shop.market.owner
    assert shop.get("/", SU).status_code == 200
    try:
        owner.execute("UPDATE station SET state = 'suspended' WHERE id = 3")
        stations.forget_hosts()
        assert shop.get("/", SU).status_code == 503
        assert shop.get("/", SU).status_code == 503
    finally:
        owner.execute("UPDATE station SET state = 'active' WHERE id = 3")
        stations.forget_hosts()
    assert shop.get("/", SU).status_code == 200


def test_what_was_drawn_before_a_change_is_not_kept_after_it(shop: Shop) -> None:
    shop.get()
    [(key, page)] = shop.house.pages.items()
    draft = kept_pages.Draft(key, shop.clock(), shop.house.forgotten)
    shop.house.clear()
    shop.house.put(draft, page)
    assert not shop.house.pages


def test_the_pages_of_a_process_have_a_bound(shop: Shop) -> None:
    shop.get()
    [(_key, page)] = shop.house.pages.items()
    count = 3 * kept_pages.MOST_BYTES // page.size
    for number in range(count):
        shop.house.put(kept_pages.Draft(number, shop.clock(), shop.house.forgotten), page)
    assert shop.house.size <= kept_pages.MOST_BYTES
    assert shop.house.size == page.size * len(shop.house.pages)
    assert list(shop.house.pages)[-1] == count - 1
    assert 0 not in shop.house.pages


def test_a_kept_page_is_counted_and_logged(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.get("/c/games")
    counts = shop.market.app.extensions["kameng.metrics"]
    with caplog.at_level(logging.INFO, "kameng.access"):
        before = counts.pending["GET 2xx"], counts.flushed_at
        shop.get("/c/games")
    line = vars(caplog.records[-1])
    assert (line["method"], line["route"], line["status"]) == ("GET", "/c/<slug>", 200)
    assert line["station"] == 1
    assert (counts.pending["GET 2xx"], counts.flushed_at) != before


def test_a_kept_page_counts_against_the_visitors_limit(shop: Shop) -> None:
    address = {"REMOTE_ADDR": "198.51.100.77"}
    shop.get(environ_overrides=address)
    seen = limits._seen
    seen.add("198.51.100.77")  # the minute is this one
    seen.counts["198.51.100.77"] = limits.PAGES_UNASKED_PER_MIN
    with shop.market.app.app_context():
        from flask import g

        from kameng.stations import api as stations

        g.station = stations.resolve_host("main.localhost")
        for _n in range(2):
            limits.limit("pages", "198.51.100.77", limits.PAGES_PER_MIN, 60,
                         cost=limits.PAGES_PER_MIN // 2)  # fmt: skip
    answer = shop.get(environ_overrides=address)
    assert answer.status_code == 429
    assert shop.get().status_code == 200
