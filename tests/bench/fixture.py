"""What is traded: the main station and some below it, members with keys, SKUs with cards."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from flask import Flask

from kameng.catalog import api as catalog
from kameng.db import main_scope, station_scope
from kameng.openapi import api as openapi
from kameng.plugins import api as plugins
from kameng.pricing import api as pricing
from kameng.stations import api as stations
from kameng.stock import api as stock

FIRST_STATION, STATIONS, SKUS = 101, 10, 100
# Programs dock at the main station more than anywhere else: half of the members are its own.
AT_MAIN, AT_EACH = 50, 5
MAIN_HOST = "main.localhost"
GATEWAY, GATEWAY_PID, GATEWAY_KEY = "payment-epay", "1", "k" * 32
HOT = "HOT"  # the SKU that everybody wants
ACTOR = "bench"

_STATIONS = """
INSERT INTO station(id, parent_id, path, slug, name, state)
  SELECT n, 1, ARRAY[1, n], 'shop-' || n, 'Shop ' || n, 'active' FROM generate_series({first}, {last}) n;
INSERT INTO host(host, station_id, kind) SELECT slug || '.localhost', id, 'subdomain' FROM station WHERE id > 1;
INSERT INTO price_rule(station_id, purpose, operation, value, rounding_step) VALUES (1, 'wholesale', 'multiply', 10500, 100);
INSERT INTO price_rule(station_id, purpose, operation, value, rounding_step) SELECT id, 'retail', 'multiply', 10800, 100 FROM station;
INSERT INTO member(station_id, login, password_hash)
  SELECT s.id, 'buyer' || n || '@example.com', '!' FROM station s CROSS JOIN generate_series(1, {at_main}) n
   WHERE s.id = 1 OR n <= {at_each} ORDER BY s.id, n;
"""
# By the books: asked for by one person of the staff, agreed to by another, posted.
_MONEY = (
    """SELECT request_adjustment(station_id, 'adjustment', '', 'wallet', id::text, 1000000000000, 'bench', 'bench:a', 'bench:' || id)
         FROM member ORDER BY id""",
    "SELECT vote_approval(station_id, id, 'bench:b', true, 'bench') FROM approval WHERE kind = 'adjustment' ORDER BY id",
    "SELECT post_adjustment(station_id, id) FROM adjustment ORDER BY id",
)


@dataclass(frozen=True)
class Key:
    """A member's key to the open API, and the station that it belongs to."""

    station_id: int
    host: str
    id: int
    key_id: str
    secret: str


@dataclass(frozen=True)
class Wanted:
    """How large a site is to be."""

    spread: int  # cards over all SKUs but the hot one
    hot: int  # cards of that
    stations: int = STATIONS  # below the main station
    members_each: int = AT_EACH  # at each of them
    skus: int = SKUS


@dataclass(frozen=True)
class Fixture:
    """Who buys, and what there is."""

    keys: tuple[Key, ...]
    skus: tuple[str, ...]


def fill(app: Flask, owner_url: str, wanted: Wanted) -> Fixture:
    """Make all of it in a migrated, empty database; cards are sealed as any import seals them."""
    with app.app_context():
        with main_scope(reason=ACTOR):
            stations.create_main_station("Bench")
        with psycopg.connect(owner_url) as owner:
            owner.execute(_stations(wanted).encode())
            for step in _MONEY:
                owner.execute(step.encode())
        stations.forget_hosts()
        with main_scope(reason=ACTOR):
            codes = _goods(wanted)
        _gateway()
        keys = _keys(owner_url)
    return Fixture(keys, codes)


def _stations(wanted: Wanted) -> str:
    return _STATIONS.format(
        first=FIRST_STATION, last=FIRST_STATION + wanted.stations - 1, at_main=AT_MAIN,
        at_each=wanted.members_each,
    )  # fmt: skip


def add_sku(code: str, category: int, cards: int) -> int:
    """A SKU with its product and so many cards; main scope. Prices come by `pricing.reprice`."""
    product = catalog.create_product(code.lower(), code, category, "card", state="on_sale")
    sku = catalog.create_sku(product, code, "1", face_value=10_0000, cost=8_0000)
    if cards:
        lines = "\n".join(f"{code}N{n:07d}----{code}-{n:07d}-SECRET" for n in range(cards))
        stock.import_cards(sku, lines.encode(), "bench.txt", ACTOR)
    return sku


def _goods(wanted: Wanted) -> tuple[str, ...]:
    category = catalog.create_category("bench", "Bench")
    codes = tuple(f"B{n}" for n in range(wanted.skus))
    skus = [add_sku(code, category, wanted.spread // wanted.skus) for code in codes]
    if wanted.hot:
        skus.append(add_sku(HOT, category, wanted.hot))
    pricing.reprice(skus)
    return codes


def _gateway() -> None:
    values = {
        "gateway_url": "https://pay.example.com", "version": "v1", "pid": GATEWAY_PID, "key": GATEWAY_KEY,
    }  # fmt: skip
    plugins.configure(1, GATEWAY, values, ACTOR)
    plugins.set_enabled(1, GATEWAY, True, ACTOR)


def _keys(owner_url: str) -> tuple[Key, ...]:
    """One key a member, without the usual limit of requests a minute."""
    with psycopg.connect(owner_url) as owner:
        members = owner.execute("SELECT station_id, id FROM member ORDER BY id").fetchall()
        secrets = dict(make_key(station, member) for station, member in members)
        owner.execute("UPDATE api_key SET per_minute = 1000000")
        found = owner.execute("SELECT station_id, id, key_id FROM api_key ORDER BY id").fetchall()
    return tuple(
        Key(station, host_of(station), number, name, secrets[name])
        for station, number, name in found
    )


def host_of(station_id: int) -> str:
    """The host name of a station."""
    return MAIN_HOST if station_id == 1 else f"shop-{station_id}.localhost"


def make_key(station_id: int, member_id: int) -> tuple[str, str]:
    """A key for a member: its name and its secret."""
    with station_scope(station_id):
        return openapi.make_key(
            member_id, name=ACTOR, dialect="native", sandbox=False, scopes=("orders.write",),
            networks=(), callback_url="", actor=ACTOR,
        )  # fmt: skip


def settle(owner_url: str) -> None:
    """Statistics as of a shop that has been running for a while.

    Call it after some purchases: plans made for empty tables read them whole, and stay.
    """
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
        owner.execute("CHECKPOINT")
