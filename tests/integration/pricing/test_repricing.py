"""Prices on real tables: they follow costs and rules, quickly, and only where they change."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from kameng.db import db, main_scope, station_scope
from kameng.errors import DomainError, NotFound
from kameng.jobs.discovery import load_tasks
from kameng.jobs.inline import drain
from kameng.pricing.api import (
    Rule,
    delete_rule,
    explain,
    list_rules,
    preview,
    reprice,
    save_rule,
    set_cost,
    set_fixed_price,
    set_listing_active,
    station_explain,
    station_listings,
)

COST = 940_000


@pytest.fixture
def sku(fresh_app: Flask, fresh_database: str) -> Iterator[int]:
    """A SKU on sale; stations 1, 2 (below 1, gold) and 3 (below 2)."""
    with psycopg.connect(fresh_database, autocommit=True) as owner:
        for number, parent, path, grade in (
            (1, None, [1], "bronze"), (2, 1, [1, 2], "gold"), (3, 2, [1, 2, 3], "bronze"),
        ):  # fmt: skip
            owner.execute(
                "INSERT INTO station(id, parent_id, path, slug, name, state, grade)"
                " VALUES (%s, %s, %s, %s, 'S', 'active', %s)",
                (number, parent, path, f"station-{number}", grade),
            )
        made = _goods(owner, 1)
    load_tasks()
    with fresh_app.app_context():
        with main_scope(reason="test"):
            reprice()
        yield made[0]


def _goods(owner: psycopg.Connection[Any], count: int) -> list[int]:
    owner.execute("INSERT INTO category(slug, name) VALUES ('games', 'G') ON CONFLICT DO NOTHING")
    rows = owner.execute(
        """WITH p AS (INSERT INTO product(category_id, slug, name, kind, state)
             SELECT c.id, 'p' || n, 'P' || n, 'card', 'on_sale'
             FROM category c, generate_series(1, %s) n RETURNING id),
           s AS (INSERT INTO sku(product_id, code, name)
             SELECT id, 'S' || id, '100' FROM p RETURNING id),
           c AS (INSERT INTO sku_cost(sku_id, cost) SELECT id, %s FROM s)
           SELECT id FROM s ORDER BY id""",
        (count, COST),
    ).fetchall()
    return [row[0] for row in rows]


def prices(sku_id: int) -> dict[int, tuple[int, int, int]]:
    """Station → (price, purchase price, version)."""
    with main_scope(reason="test"):
        rows = db.session.execute(
            text("SELECT station_id, price, buy_price, version FROM listing WHERE sku_id = :sku"),
            {"sku": sku_id},
        )
        return {row.station_id: (row.price, row.buy_price, row.version) for row in rows}


def save(**values: Any) -> int:
    with main_scope(reason="test"):
        return save_rule(Rule(**values))


def test_T2_a_cost_change_reprices_every_station_within_seconds(sku: int) -> None:
    save(station_id=1, purpose="wholesale", operation="multiply", value=10_200)
    save(station_id=1, purpose="wholesale", operation="multiply", value=10_100, grade="gold")
    save(station_id=2, purpose="wholesale", operation="add", value=5_000)
    save(station_id=1, purpose="retail", operation="multiply", value=10_500)
    drain()
    assert prices(sku) == {
        1: (987_000, 940_000, 2), 2: (996_900, 949_400, 2), 3: (1_002_100, 954_400, 2),
    }, "four changes at once are one new version"  # fmt: skip
    started = time.monotonic()
    with main_scope(reason="test"):
        assert set_cost(sku, 950_000, "staff:1", "进价上调")
    drain()
    assert time.monotonic() - started < 5
    assert {station: price for station, (price, _, _) in prices(sku).items()} == {
        1: 997_500, 2: 1_007_500, 3: 1_012_700,
    }  # fmt: skip
    with main_scope(reason="test"):
        row = db.session.execute(text("SELECT old_cost, new_cost, actor, reason FROM cost_change"))
        assert tuple(row.one()) == (COST, 950_000, "staff:1", "进价上调")


def test_T2_the_chain_explains_the_price_to_the_unit(sku: int) -> None:
    save(station_id=1, purpose="wholesale", operation="multiply", value=10_200)
    drain()
    for station in (1, 2, 3):
        with main_scope(reason="test"):
            found = explain(station, sku)
        assert found.cost + sum(found.margins) == found.price
        assert found.steps[0]["label"] == "上游成本"
        assert found.steps[-1]["output"] == found.price
    assert found.parties == (1, 2, 3)


def test_T2_nothing_is_written_when_nothing_changes(sku: int) -> None:
    before = prices(sku)
    with main_scope(reason="test"):
        assert reprice() == 0
        assert set_cost(sku, COST, "staff:1", "") is False
    assert prices(sku) == before


def test_T2_a_station_prices_by_hand_but_never_below_its_purchase_price(sku: int) -> None:
    with station_scope(3):
        set_fixed_price(3, sku, 1_234_500)
    drain()
    assert prices(sku)[3][0] == 1_234_500
    with station_scope(3):
        for wrong in (COST - 100, 1_000_050, 0):
            with pytest.raises(DomainError):
                set_fixed_price(3, sku, wrong)
        set_fixed_price(3, sku, None)
        with pytest.raises(NotFound):
            set_fixed_price(2, sku, 2_000_000)
    drain()
    assert prices(sku)[3][0] == 1_034_000


def test_T2_a_price_below_a_risen_cost_is_lifted(sku: int) -> None:
    with station_scope(3):
        set_fixed_price(3, sku, 1_000_000)
    with main_scope(reason="test"):
        set_cost(sku, 1_200_050, "staff:1", "")
    drain()
    assert prices(sku)[3][:2] == (1_200_100, 1_200_050)


def test_T2_limits_of_the_sku_hold_everywhere(sku: int) -> None:
    with main_scope(reason="test"):
        set_cost(sku, COST, "staff:1", "", floor_price=1_100_000, ceiling_price=1_150_000)
    drain()
    assert {price for price, _, _ in prices(sku).values()} == {1_100_000}
    with main_scope(reason="test"), pytest.raises(DomainError):
        set_cost(sku, COST, "staff:1", "", floor_price=5, ceiling_price=3)


def test_T12_a_station_sees_its_own_steps_and_no_cost(sku: int) -> None:
    save(station_id=1, purpose="wholesale", operation="multiply", value=10_200)
    drain()
    with station_scope(3):
        steps = station_explain(3, sku)
        assert [step["label"] for step in steps] == [
            "进货价", "没有零售规则，按默认加价", "本店售价",
        ]  # fmt: skip
        assert COST not in {step["input"] for step in steps}
        with pytest.raises(NotFound):
            station_explain(2, sku)
        with pytest.raises(Exception, match="permission denied"):
            explain(3, sku)


def test_T12_a_station_keeps_its_own_rules_only(sku: int) -> None:
    with station_scope(2):
        rule_id = save_rule(Rule(2, "retail", "add", 60_000, note="节日"))
        assert [rule.note for rule in list_rules(2)] == ["节日"]
    with station_scope(3):
        assert list_rules(2) == []
        with pytest.raises(NotFound):
            delete_rule(2, rule_id)
        with pytest.raises(Exception, match="row-level security"):
            save_rule(Rule(2, "retail", "add", 1))
    drain()
    assert prices(sku)[2][0] == 1_000_000
    assert prices(sku)[3][0] == 1_000_000, "the station below follows the rule it inherits"
    with station_scope(2):
        delete_rule(2, rule_id)
    drain()
    assert prices(sku)[2][0] == 1_034_000


def test_a_senseless_rule_is_not_saved(sku: int) -> None:
    with station_scope(2), pytest.raises(DomainError):
        save_rule(Rule(2, "retail", "multiply", 0))


def test_T2_a_preview_shows_and_stores_nothing(sku: int) -> None:
    before = prices(sku)
    with main_scope(reason="test"):
        rows = preview(Rule(1, "wholesale", "multiply", 10_300, sku_id=sku))
        assert [(row.station_id, row.new_buy_price) for row in rows] == [(2, 968_200), (3, 968_200)]
    assert prices(sku) == before


def test_a_listing_leaves_one_stations_shelf_only(sku: int) -> None:
    with station_scope(2):
        set_listing_active(2, sku, False)
        assert [row.active for row in station_listings(2)] == [False]
    with station_scope(3):
        assert [(row.active, row.margin) for row in station_listings(3, "p1")] == [(True, 94_000)]


@pytest.mark.usefixtures("sku")
def test_T2_a_new_station_offers_the_whole_range(fresh_database: str) -> None:
    with psycopg.connect(fresh_database, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO station(id, parent_id, path, slug, name, state)"
            " VALUES (4, 1, '{1,4}', 'station-4', 'S', 'active')"
        )
        owner.execute("INSERT INTO outbox(station_id, topic, payload) VALUES"
                      " (4, 'station.opened', '{\"station_id\": 4}')")  # fmt: skip
    drain()
    with main_scope(reason="test"):
        found = db.session.execute(text("SELECT count(*) FROM listing WHERE station_id = 4"))
        assert found.scalar() == 1


@pytest.mark.usefixtures("sku")
def test_T2_ten_thousand_listings_are_repriced_in_five_seconds(fresh_database: str) -> None:
    with psycopg.connect(fresh_database, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO station(id, parent_id, path, slug, name, state)"
            " SELECT n, 1, ARRAY[1, n], 'bulk-' || n, 'S', 'active' FROM generate_series(10, 56) n"
        )
        owner.execute("DELETE FROM price_chain; DELETE FROM listing")
        owner.execute("DELETE FROM sku_cost; DELETE FROM sku; DELETE FROM product")
        _goods(owner, 200)
    save(station_id=1, purpose="wholesale", operation="multiply", value=10_200)
    took: list[float] = []
    for change in (10_500, 10_600, 10_700, 10_800):  # new listings first, then changed ones
        save(station_id=1, purpose="retail", operation="multiply", value=change)
        started = time.monotonic()
        with main_scope(reason="test"):
            assert reprice() == 10_000
        took.append(time.monotonic() - started)
    print("10 000 listings in", ", ".join(f"{seconds:.2f} s" for seconds in took))
    assert min(took) < 5, "the best of four: other work on the machine is not what is measured"
