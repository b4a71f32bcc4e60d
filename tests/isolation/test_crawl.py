"""T12: every address, with the numbers of another station's rows, as everybody who is not theirs."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from tests.functional.test_web_composition import load_wsgi

import kameng_admin

from . import crawl, plant
from .crawl import Asked, Crawler
from .world import A, B, World

if TYPE_CHECKING:
    from kameng.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # in the fixture everybody asks
# What the database takes from a list of words of its own.
OWN_WORDS = {"refund.reason", "flash_unit.buyer"}  # a buyer stands with an order, or not at all
# Texts of A that its own people come across on their pages: so they would be seen elsewhere, too.
SEEN_AT_HOME = {
    "api_key.name", "api_secret.hint", "bonus_rule.note", "member.login", "member.name", "orders.delivery_text",
    "orders.inputs", "orders.product_name", "orders.sku_name", "payment_attempt.redirect_url", "payment_proof.note",
    "refund_request.answer", "refund_request.reason", "staff.name", "station.name", "station.notice",
    "station.tagline", "webhook_endpoint.about", "webhook_endpoint.url", "withdrawal.reason",
}  # fmt: skip
# All names that lie in Redis: of a station, of none with a reason (`test_keys.py`), queues, limits.
NAMES = re.compile(
    r"km:(?:s\d+|main|all:(?:stock|epoch|job|risk|requests)|jobs)(?::.*)?"
    r"|km-limits.*/(?P<limit>[\w-]+)/(?P<station>\d+)/.*",
    re.DOTALL,
)


@dataclass
class Crawled:
    """The world after everybody has asked for everything."""

    world: World
    home: Crawler
    crawler: Crawler
    before: dict[str, set[str]]
    log: list[str] = field(default_factory=list)

    @property
    def mark(self) -> str:
        return self.world.planted[A].mark

    @property
    def secrets(self) -> set[str]:
        return self.world.stations[A].secrets

    def leaks(self, asked: list[Asked]) -> list[str]:
        """Answers with a mark, a secret or a number of A that the caller did not say itself."""
        return [
            f"{one.who}: {one.method} {one.path} told {word}"
            for one in asked
            for word in self._words(one)
        ]

    def _words(self, one: Asked) -> list[str]:
        numbers = {*self.crawler.numbers["order_no"], *self.crawler.numbers["attempt_no"]}
        words = {self.mark, *self.secrets, *numbers}
        if not one.who.endswith(" at A"):  # its own pages tell its name and notice to everybody
            words.add(self.world.planted[A].public)
        return [word for word in sorted(words) if word in one.told and word not in one.sent]


class Listening(logging.Handler):
    """Keeps all that a record says, before anything is masked."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__()
        self.kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(f"{record.getMessage()} {record.__dict__}")


@pytest.fixture(scope="module")
def world(market: Any) -> World:
    """Two stations with people, orders, keys and money, and the console beside their pages."""
    kameng_admin.init_app(market.app)
    market.app.testing = False  # an error is a page, as in service
    market.app.config["PROPAGATE_EXCEPTIONS"] = False
    built = World(market)
    built.build()
    return built


@pytest.fixture(scope="module")
def crawled(world: World) -> Crawled:
    """First A's people at home, then everybody else."""
    home, crawler = Crawler(world), Crawler(world)
    for one in (home, crawler):
        one.learn(A)
    crawl.at_home(home, world.stations[A])
    found = Crawled(world, home, crawler, plant.fingerprints(world.market.owner, A))
    listening, root = Listening(found.log), logging.getLogger()
    level = root.level
    root.addHandler(listening)
    root.setLevel(logging.INFO)
    crawl.everybody(crawler)
    root.removeHandler(listening)
    root.setLevel(level)
    return found


def test_T12_every_table_of_a_station_is_filled_and_every_text_marked(world: World) -> None:
    assert world.empty == {A: [], B: []}
    assert world.planted[A].refused == OWN_WORDS


def test_T12_the_marks_can_be_seen_by_those_whose_they_are(crawled: Crawled) -> None:
    told = "\n".join(one.told for one in crawled.home.asked)
    seen = {
        name
        for name in crawled.world.planted[A].fields
        if f"canary-{name.replace('.', '-')}" in told or f"public-{name.replace('.', '-')}" in told
    }
    assert SEEN_AT_HOME - seen == set()


def test_T12_every_route_is_asked(crawled: Crawled, settings: Settings, tmp_path: Any) -> None:
    served = {
        rule.rule for rule in load_wsgi().build(settings, tmp_path / "none").url_map.iter_rules()
    }
    assert served - {one.rule for one in crawled.crawler.asked} == set()


def test_T12_who_asks_is_who_it_says(crawled: Crawled) -> None:
    """The buyer, the owner and the keys of B are let in at B: nobody is refused at the door alone."""
    welcome = {
        (one.who, one.path)
        for one in crawled.crawler.asked
        if one.status == 200 and one.method == "GET"
    }
    for who, path in (
        ("buyer of B", "/me/orders"), ("owner of B", "/console/orders"), ("key of B", "/api/v1/account"),
        ("sandbox key of B", "/api/v1/orders"), ("buyer of main", "/me/wallet"),
        ("key of B", "/dock/dujiao-next/api/v1/upstream/products"),
    ):  # fmt: skip
        assert (who, path) in welcome
    turned = {
        one.path for one in crawled.crawler.asked if one.who == "key of B" and one.status == 401
    }
    assert turned == set()


def test_T12_forms_come_with_a_valid_token(crawled: Crawled) -> None:
    """Where no page with a token is shown, the door is closed to reading, too."""
    refused = {
        (one.who, one.path.split("/")[1])
        for one in crawled.crawler.asked
        if "页面已过期" in one.told
    }
    assert refused <= {("owner of B", "admin"), ("owner of B", "supplier")}


def test_T12_no_answer_holds_anything_of_another_station(crawled: Crawled) -> None:
    assert crawled.leaks(crawled.crawler.asked) == []


def test_T12_no_wish_breaks_a_page(crawled: Crawled) -> None:
    broken = [
        f"{one.who}: {one.method} {one.path}" for one in crawled.crawler.asked if one.status >= 500
    ]
    assert broken == []


def test_T12_the_log_of_other_stations_holds_nothing_of_it(crawled: Crawled) -> None:
    assert len(crawled.log) > 1000
    text = "\n".join(crawled.log)
    assert [word for word in (crawled.mark, *crawled.secrets) if word in text] == []


def test_T12_its_rows_stand_as_before_and_nobody_else_has_got_them(crawled: Crawled) -> None:
    owner = crawled.world.market.owner
    after = plant.fingerprints(owner, A)
    assert [table for table, known in crawled.before.items() if known - after[table]] == []
    assert list(plant.rows_with(owner, crawled.mark, A)) == []


def test_T12_queue_and_cache_hold_nothing_of_it(crawled: Crawled, settings: Settings) -> None:
    """The messages of all stations lie in one queue: ids and the station, and no text of anybody."""
    from kameng.jobs.discovery import load_tasks
    from kameng.jobs.relay import relay_batch

    load_tasks()  # who listens to what
    while relay_batch(crawled.world.market.app):
        pass
    with Redis.from_url(settings.redis_url) as client:
        found = {key.decode(): dump(client, key) for key in client.scan_iter("*", 1000)}
    assert any(key.startswith(f"km:s{B}:") for key in found)
    assert [key for key in found if not NAMES.fullmatch(key)] == []
    for key, text in found.items():
        assert crawled.mark not in key + text, key
        assert [word for word in crawled.secrets if word in key + text] == []
    _assert_messages_are_of_one_station(crawled, list(found.values()))


def _assert_messages_are_of_one_station(crawled: Crawled, values: list[str]) -> None:
    stations = set()
    for text in values:
        for line in text.splitlines():
            if not line.startswith('{"queue_name"'):
                continue
            _number, station, payload = json.loads(line)["args"][:3]
            stations.add(station)
            if station != A:
                known = crawled.crawler.numbers["order_no"]
                assert [one for one in known if one in json.dumps(payload)] == []
    assert {A, B} <= stations


def dump(client: Redis, key: bytes) -> str:
    """A value of any kind, a line for each part."""
    kinds: dict[bytes, Any] = {
        b"string": lambda: [client.get(key)],
        b"hash": lambda: [part for pair in client.hgetall(key).items() for part in pair],
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
    }
    parts = kinds.get(client.type(key), list)()
    return "\n".join(part.decode("utf-8", "replace") for part in parts if part is not None)


def test_T12_with_the_walls_open_the_crawl_would_leak(crawled: Crawled) -> None:
    """The last test of this file: it opens the walls of its database for B's people."""
    world, crawler = crawled.world, Crawler(crawled.world)
    crawler.learn(A)
    opened = world.market.owner.execute(
        "SELECT format('ALTER POLICY %I ON %I USING (true)', policyname, tablename) FROM pg_policies"
        " WHERE policyname = 'station_own' AND tablename <> 'station'"
    ).fetchall()
    for (statement,) in opened:
        world.market.owner.execute(statement)
    world.sign_in_again(world.stations[B])  # to log out was the last that they did
    crawl.at_home(crawler, world.stations[B])
    leaks = crawled.leaks(crawler.asked)
    assert len({leak.partition(" told ")[0] for leak in leaks}) > 3
