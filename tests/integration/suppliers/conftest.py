"""Suppliers taken on by the product's own services, and suppliers with a past put in their place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from kameng.db import main_scope
from kameng.suppliers import api as suppliers

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64
PASSWORD = "supplier-pass-2026"
FORM = {
    "name": "江海数码", "legal_name": "江海数码科技有限公司", "contact_name": "王海",
    "phone": "13800136021", "email": "wang@example.com", "about": "游戏点券和话费，都有授权书",
}  # fmt: skip


NUMBERS = itertools.count(1)  # companies are known by their names


@dataclass
class Trade:
    """Hands for tests."""

    shop: Any
    numbers = NUMBERS

    def applied(self, **changes: str) -> int:
        number = next(self.numbers)
        form = {**FORM, "legal_name": f"江海数码科技第{number}有限公司", **changes}
        return suppliers.apply(form, [suppliers.Upload("business_licence", "", PNG)])

    def licensed(self, supplier: int) -> int:
        """Its licence is approved."""
        with main_scope(reason="test"):
            paper = suppliers.documents_of(supplier)[-1].id
            suppliers.review(
                supplier, paper, approve=True, reason="", valid_until=None, number="91",
                issued_by="市监局", actor="staff:1",
            )  # fmt: skip
        return paper

    def licensed_new(self, supplier: int, until: date) -> None:
        """Its newest document is approved until a day."""
        with main_scope(reason="test"):
            paper = suppliers.documents_of(supplier)[0].id
            suppliers.review(
                supplier, paper, approve=True, reason="", valid_until=until, number="91",
                issued_by="市监局", actor="staff:1",
            )  # fmt: skip

    def active(self, login: str = "", **changes: str) -> int:
        """A supplier that was taken on."""
        supplier = self.applied(**changes)
        self.licensed(supplier)
        with main_scope(reason="test"):
            suppliers.approve(supplier, login or f"boss{supplier}", "staff:1")
        return supplier

    def invitation(self, supplier: int) -> str:
        """The token of the newest mail to its people."""
        body = self.shop.one(
            "SELECT body FROM notice WHERE kind = 'supplier.approved' AND body LIKE %s"
            " ORDER BY id DESC LIMIT 1", f"%/invitation/{self.person(supplier)}.%",
        )  # fmt: skip
        return re.findall(r"/supplier/invitation/(\S+)", body)[0]

    def person(self, supplier: int) -> int:
        return int(
            self.shop.one("SELECT min(id) FROM supplier_user WHERE supplier_id = %s", supplier)
        )

    def connection(self, supplier: int) -> int:
        return int(
            self.shop.one("SELECT min(id) FROM supply_connection WHERE supplier_id=%s", supplier)
        )

    def bought(self, supplier: int, cost: int = 93_2000, delivered: bool = True) -> tuple[int, str]:
        """A purchase of a top-up with this supplier; (id, number)."""
        number = f"PT{supplier}N{next(self.numbers)}"
        placed, _code = self.shop.buy(self.shop.sku("top_up"))
        opened = self.shop.guarded(
            "open_purchase", p_station=3, p_order=placed.order_id,
            p_connection=self.connection(supplier), p_offer=None, p_unit_cost=cost,
            p_unit_cap=cost, p_number=number, p_inputs=Jsonb({"phone": "13800136021"}),
            p_routing=Jsonb([]), p_most=None, p_actor="system",
        )  # fmt: skip
        assert opened["code"] == "ok"
        self.shop.guarded("take_purchase", p_station=3, p_id=opened["purchase_id"])
        if delivered:
            self.shop.guarded(
                "receive_purchase", p_station=3, p_id=opened["purchase_id"], p_pieces=1,
                p_cost=cost, p_refunded=None, p_ref="", p_message="", p_text="ok", p_ciphers="",
                p_digests="", p_key=None, p_expires=[None], p_actor="test",
            )  # fmt: skip
        return int(opened["purchase_id"]), number

    def paid(self, supplier: int, amount: int, key: str) -> int:
        """A payment that a second person has agreed to."""
        from kameng.identity import api as identity

        with main_scope(reason="test"):
            made = suppliers.request_payment(
                supplier, amount, date(2026, 11, 24), "bank", "B-1", "", "staff:1", key
            )
            (waiting,) = identity.approvals(kind="supplier_payment", subject=str(made))
            assert identity.vote(1, waiting.id, "staff:2", True) == "approved"
        return made


@pytest.fixture
def trade(shop: Any) -> Iterator[Trade]:
    with shop.app.app_context():
        yield Trade(shop)


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
