"""The bench's old orders: copies that the ledger cannot tell from what was bought."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from tests.bench.cells.growth import buy_first
from tests.bench.fixture import Fixture, Wanted, fill
from tests.bench.old_orders import MINUTES, TABLES, multiply
from wsgi import build

from kameng.db import db
from kameng.ops.books import verify_books
from kameng.settings import Settings

BOUGHT, TIMES = 24, 13  # more than one set of copies


@pytest.fixture(scope="module")
def whole(settings: Settings) -> Iterator[Flask]:
    application = build(settings)
    yield application
    with application.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture(scope="module")
def traded(whole: Flask, settings: Settings) -> Fixture:
    made = fill(whole, settings.database_url, Wanted(200, 0, stations=3, members_each=1, skus=4))
    with whole.app_context():
        app_url = db.engines["app"].url.render_as_string(hide_password=False)
    buy_first(app_url.replace("postgresql+psycopg:", "postgresql:"), made, BOUGHT)
    multiply(settings.database_url, TIMES)
    return made


def test_each_copy_has_all_that_belongs_to_its_order(
    traded: Fixture, owner: psycopg.Connection
) -> None:
    def count(table: str) -> int:
        row = owner.execute(f"SELECT count(*) FROM {table} WHERE order_id IS NOT NULL".encode())
        return int((row.fetchone() or [0])[0])

    oldest = f"SELECT max(created_at) - min(created_at) > make_interval(mins => {MINUTES * (TIMES - 1)}) FROM orders"
    assert owner.execute(oldest.encode()).fetchone() == (True,)
    assert owner.execute("SELECT count(*) FROM orders").fetchone() == (BOUGHT * TIMES,)
    for table in TABLES.keys() - {"orders"}:
        assert count(table) % TIMES == 0, table
        assert count(table) > 0, table


def test_the_books_add_up_and_trade_goes_on(
    whole: Flask, traded: Fixture, settings: Settings
) -> None:
    for _twice in range(2):
        with whole.app_context():
            report = verify_books(None)
            app_url = db.engines["app"].url.render_as_string(hide_password=False)
        assert [check.name for check in report.checks if check.count] == []
        assert report.transfers > BOUGHT * TIMES * 3
        buy_first(app_url.replace("postgresql+psycopg:", "postgresql:"), traded, 10)
