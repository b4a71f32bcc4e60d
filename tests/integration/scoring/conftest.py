"""Suppliers with a past: purchases that ended as told, put behind the product's back."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest

from kameng.db import main_scope

DEER = 3


@dataclass
class Past:
    """Hands for tests: suppliers, what they did, and what is kept about them."""

    shop: Any
    order_id: int
    sku_id: int
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def supplier(self, name: str, grade: str | None = None, internal: bool = False) -> int:
        """An active supplier with one connection and one mapped offer that tells its stock."""
        supplier = self.shop.one(
            "INSERT INTO supplier(code, name, state, grade, internal) VALUES (%s, %s, 'active', %s, %s) RETURNING id",
            f"{name}-{self.order_id}", name, grade, internal,
        )  # fmt: skip
        connection = self.shop.one(
            "INSERT INTO supply_connection(supplier_id, plugin_id, account, name) VALUES (%s, 'supplier-test', %s, %s) RETURNING id",
            supplier, name, name,
        )  # fmt: skip
        self.shop.one(
            "INSERT INTO supply_offer(supplier_id, connection_id, sku_ref, name, kind, cost, stock, sku_id)"
            " VALUES (%s, %s, 'r', 'offer', 'top_up', 932000, 50, %s) RETURNING id",
            supplier, connection, self.sku_id,
        )  # fmt: skip
        return int(supplier)

    def bought(
        self, supplier: int, count: int = 1, *, state: str = "succeeded", code: str = "",
        minutes_ago: float = 1, took_s: float = 20, sends: int = 1,
    ) -> list[int]:  # fmt: skip
        """Purchases sent so long ago; ended `took_s` later unless their state is open."""
        done = (
            "NULL"
            if state in ("sent", "unknown")
            else f"now() - interval '{minutes_ago} minutes' + interval '{took_s} seconds'"
        )
        made = []
        for _n in range(count):
            number = next(self.numbers)
            made.append(
                self.shop.one(
                    "INSERT INTO purchase(station_id, purchase_no, order_id, plugin_id, attempt, connection_id, supplier_id, offer_id, sku_id,"
                    " quantity, state, code, sends, delivered, created_at, sent_at, done_at)"
                    f" SELECT 3, %s, %s, 'supplier-test', %s, c.id, c.supplier_id, f.id, %s, 2, %s, %s, %s, %s,"
                    f" now() - interval '{minutes_ago} minutes', now() - interval '{minutes_ago} minutes', {done}"
                    " FROM supply_connection c JOIN supply_offer f ON f.connection_id = c.id WHERE c.supplier_id = %s RETURNING id",
                    f"T{self.order_id}{number:08d}", self.order_id, number + 1, self.sku_id, state, code, sends,
                    2 if state == "succeeded" else 0, supplier,
                )
            )  # fmt: skip
        return made

    def papers(self, supplier: int, valid: str = "NULL") -> None:
        self.shop.plant(
            "INSERT INTO supplier_document(supplier_id, kind, title, media_type, sealed, state, valid_until)"
            f" VALUES ({supplier}, 'business_licence', '执照', 'image/png', 'x', 'approved', {valid})"
        )

    def row(self, supplier: int) -> Any:
        return self.shop.owner.execute(
            "SELECT state, grade, pause_reason FROM supplier WHERE id = %s", (supplier,)
        ).fetchone()

    def cards(self, supplier: int) -> list[Any]:
        """(score, grade, metrics, reasons), newest first."""
        return self.shop.owner.execute(
            "SELECT score, grade, metrics, reasons FROM supplier_score WHERE supplier_id = %s ORDER BY id DESC",
            (supplier,),
        ).fetchall()

    def ago(self, supplier: int, hours: float) -> None:
        """All that is kept about a supplier happened so much earlier."""
        self.shop.plant(
            f"UPDATE supplier_score SET at = at - interval '{hours} hours' WHERE supplier_id = {supplier}"
        )

    def told(self, supplier: int) -> int:
        return int(
            self.shop.one(
                "SELECT count(*) FROM outbox WHERE topic = 'supplier.changed' AND (payload ->> 'supplier_id')::bigint = %s",
                supplier,
            )
        )  # fmt: skip

    def alert(self, supplier: int, kind: str) -> str | None:
        state = self.shop.one(
            "SELECT state FROM alert WHERE kind = %s AND subject = %s ORDER BY id DESC LIMIT 1",
            kind, f"supplier:{supplier}",
        )  # fmt: skip
        return None if state is None else str(state)

    def run(self, use_case: Any, *given: Any, **named: Any) -> Any:
        with self.shop.app.app_context(), main_scope(reason="test"):
            return use_case(*given, **named)


@pytest.fixture
def past(shop: Any) -> Past:
    """The small shop with one paid top-up order that all purchases belong to."""
    sku = shop.sku(kind="top_up")
    placed, _code = shop.buy(sku)
    shop.plant("UPDATE supplier SET state = 'closed' WHERE NOT internal")  # of earlier tests
    return Past(shop, placed.order_id, shop.one("SELECT id FROM sku WHERE code = %s", sku))
