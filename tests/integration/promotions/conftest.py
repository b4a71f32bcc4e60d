"""A station with a flash sale, programs that want it, and the gate's own figures."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from tests.integration.openapi.docking import DEER, Dock
from tests.integration.openapi.programs import Program

from kameng import redis
from kameng.db import main_scope, station_scope
from kameng.promotions import api as promotions
from kameng.promotions.services.gate import keys_of

FLASH = 97_0000  # the station pays 96.50 and takes 98.605


@dataclass
class Street:
    """Hands for tests of flash sales at the station of the docking tests."""

    dock: Dock
    members: list[Any] = field(default_factory=list)

    def sku(self, cards: int) -> str:
        number = self.dock.goods(cards=cards)
        return str(self.dock.one("SELECT code FROM sku WHERE id = %s", number))

    def plan(self, sku: str, units: int = 5, price: int = FLASH, **changes: Any) -> str:
        now = datetime.now(UTC)
        values: dict[str, Any] = {
            "starts_at": now - timedelta(minutes=1), "ends_at": now + timedelta(hours=1),
        }  # fmt: skip
        station = changes.pop("station", DEER)
        terms = promotions.Terms(sku, price, units, **(values | changes))
        with self.dock.app.app_context(), station_scope(station):
            return promotions.plan_sale(terms, "test")

    def program(self, balance: int = 1000_0000) -> Program:
        return Program(self.dock, self.dock.key("native", balance))

    def gate(self, sale: str) -> dict[str, int]:
        """left, buyers, flight."""
        with self.dock.app.app_context():
            meta, buyers, flight = keys_of(DEER, sale)
            client = redis.client()
            return {
                "left": int(client.hget(meta, "left") or -1), "buyers": client.scard(buyers),
                "flight": client.zcard(flight),
            }  # fmt: skip

    def flush(self) -> None:
        with self.dock.app.app_context():
            redis.client().flushdb()

    def watch(self) -> int:
        with self.dock.app.app_context(), main_scope(reason="test"):
            return promotions.watch()

    def free(self, sale: str) -> int:
        return int(
            self.dock.one(
                "SELECT count(*) FROM flash_unit u JOIN flash_sale f ON f.station_id = u.station_id"
                " AND f.id = u.sale_id WHERE f.sale_no = %s AND u.order_id IS NULL", sale,
            )
        )  # fmt: skip

    def assert_units_are_orders(self, sale: str) -> None:
        """Each unit's order is a living one of this price, each buyer stands once, books balance."""
        rows = self.dock.owner.execute(
            "SELECT u.buyer, o.shopper_key, o.state, o.payable FROM flash_unit u"
            " JOIN flash_sale f ON f.station_id = u.station_id AND f.id = u.sale_id LEFT JOIN orders o"
            " ON o.station_id = u.station_id AND o.id = u.order_id"
            " WHERE f.sale_no = %s AND u.order_id IS NOT NULL", (sale,),
        ).fetchall()  # fmt: skip
        assert all(buyer == shopper for buyer, shopper, _state, _payable in rows)
        assert {(state, payable) for _b, _s, state, payable in rows} <= {
            ("delivered", FLASH), ("paid", FLASH), ("held", FLASH), ("completed", FLASH),
        }  # fmt: skip
        assert len({row[0] for row in rows}) == len(rows)
        self.dock.assert_books_balance()


@pytest.fixture
def street(app: Flask, owner: psycopg.Connection[Any]) -> Iterator[Street]:
    """The docking tests' shop; Redis is emptied afterwards."""
    made = Dock(app, owner)
    made.build()
    found = Street(made)
    yield found
    found.flush()


def new_key() -> str:
    return secrets.token_hex(8)
