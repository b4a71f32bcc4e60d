"""Loads by the product's services, without HTTP: buying through a gateway, importing, repricing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import text
from tests.bench.fixture import ACTOR, GATEWAY, STATIONS, Fixture, add_sku
from tests.bench.pgbench import CLIENTS

from kameng.catalog import api as catalog
from kameng.db import db, main_scope, station_scope
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.pricing import api as pricing
from kameng.stock import api as stock

# At once: what is measured is the prices, not the making of goods.
_UNPRICED = text("""
WITH made AS (
  INSERT INTO product(category_id, slug, name, kind, state)
    SELECT :category, 'priced-' || n, 'Priced ' || n, 'card', 'on_sale' FROM generate_series(1, :count) n RETURNING id)
INSERT INTO sku(product_id, code, name) SELECT id, 'PRICED-' || id, '1' FROM made RETURNING id
""")
_COST = text("""
INSERT INTO sku_cost(sku_id, cost) SELECT unnest(CAST(:skus AS bigint[])), :cost
ON CONFLICT (sku_id) DO UPDATE SET cost = excluded.cost, version = sku_cost.version + 1
""")


def place_and_pay(app: Flask, fixture: Fixture, seconds: float) -> float:
    """Orders a second of the main station from place to delivered card; 16 threads."""
    deadline = time.monotonic() + seconds

    def buyer(number: int) -> int:
        done = 0
        while time.monotonic() < deadline:
            code = fixture.skus[(number + done) % len(fixture.skus)]
            _sale(app, code, f"{number}-{time.time_ns()}")
            done += 1
        return done

    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        total = sum(pool.map(buyer, range(CLIENTS)))
    return total / (time.monotonic() - started)


def _sale(app: Flask, code: str, key: str) -> None:
    with app.app_context(), station_scope(1):
        placed = orders.place(
            orders.PlaceRequest(
                sku_code=code, quantity=1, inputs={}, contact=f"{key}@example.com",
                expected_payable=orders.quote(code, 1).payable, idempotency_key=key, ip="",
            )
        )  # fmt: skip
        number = payments.open_attempt(placed.order_no, GATEWAY, "alipay")
        payments.apply_payment(1, GATEWAY, number, placed.payable, f"gw{key}", ACTOR)


def import_cards(app: Flask, count: int) -> float:
    """Seconds for one file of so many cards."""
    lines = "\n".join(f"N{n:08d}----S{n:08d}-BENCH" for n in range(count)).encode()
    with app.app_context(), main_scope(reason=ACTOR):
        sku = add_sku("IMPORT", catalog.create_category("import", "Import"), 0)
        started = time.monotonic()
        stock.import_cards(sku, lines, "bench.txt", ACTOR)
        return time.monotonic() - started


def reprice(app: Flask, listings: int) -> float:
    """Seconds until a changed cost stands on so many listings of all stations."""
    with app.app_context(), main_scope(reason=ACTOR):
        category = catalog.create_category("reprice", "Reprice")
        count = -(-listings // (STATIONS + 1))
        rows = db.session.execute(_UNPRICED, {"category": category, "count": count})
        skus = [row.id for row in rows]
        _cost(skus, 8_0000)
        pricing.reprice(skus)
        _cost(skus, 9_0000)
        started = time.monotonic()
        pricing.reprice(skus)
        return time.monotonic() - started


def _cost(skus: list[int], cost: int) -> None:
    db.session.execute(_COST, {"skus": skus, "cost": cost})
    db.session.commit()
