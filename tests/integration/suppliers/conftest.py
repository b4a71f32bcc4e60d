"""Suppliers taken on by the product's own services, with purchases of the small shop."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
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
