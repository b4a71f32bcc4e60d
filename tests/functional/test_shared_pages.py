"""Kept pages that processes hand to each other: drawn once, true as long, and nobody's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import request_started
from werkzeug.test import TestResponse

from kameng import epoch, redis
from kameng.stations import api as stations
from kameng.web import kept_pages

MAIN = "http://main.localhost:8000"
YE = "http://yehang.localhost:8000"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Processes:
    """Several processes with one Redis: each has kept pages of its own, and they ask in turn."""

    def __init__(self, market: Any) -> None:
        self.market, self.clock = market, Clock()
        self.own = market.app.extensions[kept_pages.EXTENSION]
        self.houses = [
            kept_pages._House(
                cookies=self.own.cookies, differences=self.own.differences, clock=self.clock
            )
            for _n in range(3)
        ]

    def get(self, number: int, path: str = "/", base: str = MAIN, **options: Any) -> TestResponse:
        self.market.app.extensions[kept_pages.EXTENSION] = self.houses[number]
        answer: TestResponse = self.market.app.test_client(use_cookies=False).get(
            path, base_url=base, **options
        )
        assert answer.status_code == 200
        return answer

    def drew(self, number: int, path: str = "/", base: str = MAIN, **options: Any) -> bool:
        """Whether this process had to draw the page."""
        asked: list[Any] = []
        with request_started.connected_to(lambda app, **_more: asked.append(app)):
            self.get(number, path, base, **options)
        return bool(asked)

    def all_have(self, **options: Any) -> None:
        """Each has drawn the page once, and its time is over."""
        for number in range(len(self.houses)):
            self.get(number, **options)
        self.clock.now += kept_pages.FRESH_S + 0.01

    def in_redis(self) -> list[bytes]:
        return list(self.market.app.extensions[redis.EXTENSION].keys("km:*:page:*"))


@pytest.fixture
def processes(market: Any) -> Iterator[Processes]:
    market.browser()
    found = Processes(market)
    market.app.extensions[redis.EXTENSION].flushdb()
    yield found
    market.app.extensions[kept_pages.EXTENSION] = found.own
    found.own.clear()


@contextmanager
def changed(owner: Any, notice: str) -> Iterator[None]:
    before = owner.execute("SELECT notice FROM station WHERE id = 1").fetchone()
    owner.execute("UPDATE station SET notice = %s WHERE id = 1", (notice,))
    stations.forget_hosts()
    try:
        yield
    finally:
        owner.execute("UPDATE station SET notice = %s WHERE id = 1", before)
        stations.forget_hosts()


def test_a_page_that_is_wanted_again_is_drawn_by_one_process_for_all(processes: Processes) -> None:
    processes.all_have()
    assert [processes.drew(number) for number in (0, 1, 2, 0)] == [True, False, False, False]
    texts = [processes.get(number) for number in range(3)]
    nonces = {text.headers["Content-Security-Policy"] for text in texts}
    names = {text.headers["X-Request-Id"] for text in texts}
    assert len(nonces) == len(names) == 3
    # Tokens and nonces have one length each, so nothing else may differ in it.
    assert len({len(text.data) for text in texts}) == 1
    for number, text in enumerate(texts):
        assert dict(text.headers).keys() == dict(texts[0].headers).keys(), number
        assert text.text.count("a.") == texts[0].text.count("a.")


def test_a_form_of_a_page_from_another_process_is_taken(processes: Processes) -> None:
    processes.all_have()
    assert processes.drew(0)
    text = processes.get(1).text
    token = text.partition('name="csrf-token" content="')[2].partition('"')[0]
    client = processes.market.app.test_client()
    form = {"mode": "dark", "back": "/", "_csrf": token}
    assert client.post("/mode", data=form, base_url=MAIN).status_code == 303
    assert client.post("/mode", data=form, base_url=YE).status_code == 400


def test_a_page_gets_no_second_life_in_another_process(processes: Processes) -> None:
    processes.all_have()
    assert processes.drew(0)
    processes.clock.now += kept_pages.FRESH_S - 0.5
    processes.market.app.extensions[redis.EXTENSION].pexpire(processes.in_redis()[0], 500)
    assert not processes.drew(1)
    processes.clock.now += 0.51
    processes.market.app.extensions[redis.EXTENSION].delete(*processes.in_redis())
    assert processes.drew(1)


def test_what_is_asked_for_once_is_put_nowhere(processes: Processes) -> None:
    for number in range(3):
        assert processes.drew(number)
    assert processes.in_redis() == []


def test_another_language_host_or_query_has_a_page_of_its_own(processes: Processes) -> None:
    kinds: list[dict[str, Any]] = [
        {}, {"base": YE}, {"path": "/?sort=price"}, {"headers": {"Cookie": "km_lang=en"}},
        {"headers": {"Cookie": "km_mode=dark"}}, {"headers": {"HX-Request": "true"}},
    ]  # fmt: skip
    for kind in kinds:
        processes.get(0, **kind)
        processes.get(1, **kind)
    processes.clock.now += kept_pages.FRESH_S + 0.01
    assert all(processes.drew(0, **kind) for kind in kinds)
    assert len(processes.in_redis()) == len(kinds)
    assert not any(processes.drew(1, **kind) for kind in kinds)
    assert '<html lang="en"' in processes.get(1, headers={"Cookie": "km_lang=en"}).text
    assert "夜航电玩" in processes.get(1, base=YE).text


def test_a_changed_station_is_drawn_anew(processes: Processes) -> None:
    processes.all_have()
    assert processes.drew(0)
    with changed(processes.market.owner, "Another notice"):
        assert "Another notice" in processes.get(1).text


def test_after_the_mark_of_change_nothing_from_before_is_taken(processes: Processes) -> None:
    processes.all_have()
    assert processes.drew(0)
    with processes.market.app.app_context():
        epoch.renew()
    assert processes.drew(1)
    assert not processes.drew(2)  # the page of 1


def test_what_was_drawn_before_the_mark_changed_is_not_handed_on(processes: Processes) -> None:
    processes.all_have()
    processes.get(0)
    with processes.market.app.app_context():
        epoch.renew()
    # 0 has it still, as before there were shared pages: for its four seconds.
    assert not processes.drew(0)
    assert processes.drew(2)


def test_a_member_neither_gets_nor_hands_on_a_page(processes: Processes) -> None:
    member = processes.market.app.test_client()
    processes.market.member(member, "shared@example.com")
    processes.all_have()
    processes.market.app.extensions[kept_pages.EXTENSION] = processes.houses[0]
    assert 'href="/me">' in member.get("/", base_url=MAIN).text
    assert processes.in_redis() == []
    assert processes.drew(1)
    assert "shared@example.com" not in processes.get(2).text


def test_without_redis_each_draws_its_own(processes: Processes) -> None:
    processes.all_have()
    extensions = processes.market.app.extensions
    client = extensions[redis.EXTENSION]
    extensions[redis.EXTENSION] = redis.connect("redis://127.0.0.1:1/0")
    try:
        assert [processes.drew(number) for number in (0, 1, 1)] == [True, True, False]
    finally:
        extensions[redis.EXTENSION] = client
        extensions.pop("kameng.catalog.cache", None)
