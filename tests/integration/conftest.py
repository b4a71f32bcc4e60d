"""A small shop, put into the database by its owner: three levels of stations and a few SKUs."""

from __future__ import annotations

import itertools
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from kameng.db import main_scope, station_scope

if TYPE_CHECKING:
    from flask import Flask

MAIN, JIANGNAN, DEER = 1, 2, 3  # main → Jiangnan → Deer
COST, AT_MAIN, AT_JIANGNAN, AT_DEER = 93_2000, 95_0000, 96_5000, 98_6050


@dataclass
class Shop:
    """Hands for tests: rows by the owner, use cases by the product's own services."""

    app: Flask
    owner: psycopg.Connection[Any]

    def build(self) -> None:
        for station, parent, path, slug in (
            (1, None, [1], "main"), (2, 1, [1, 2], "jiangnan"), (3, 2, [1, 2, 3], "deer"),
        ):  # fmt: skip
            self.owner.execute(
                "INSERT INTO station(id, parent_id, path, slug, name, state) "
                "VALUES (%s, %s, %s, %s, %s, 'active') ON CONFLICT DO NOTHING",
                (station, parent, path, slug, slug.title()),
            )
            kind = "main" if station == MAIN else "subdomain"
            self.owner.execute(
                "INSERT INTO host(host, station_id, kind) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (f"{slug}.localhost", station, kind),
            )
        self.owner.execute(
            "INSERT INTO category(slug, name) VALUES ('games', '游戏') ON CONFLICT DO NOTHING"
        )
        self.owner.execute(
            "INSERT INTO data_key(purpose, wrapped, master_id) VALUES ('card', '', 'test') "
            "ON CONFLICT DO NOTHING"
        )

    def sku(self, kind: str = "card", cards: int = 0, code: str = "") -> str:
        """A SKU on sale at all three stations; returns its code."""
        code = code or f"SKU{secrets.token_hex(4)}"
        product = self.one(
            "INSERT INTO product(category_id, slug, name, kind, state) "
            "SELECT id, %s, %s, %s, 'on_sale' FROM category LIMIT 1 RETURNING id",
            code.lower(), f"Product {code}", kind,
        )  # fmt: skip
        sku = self.one(
            "INSERT INTO sku(product_id, code, name) VALUES (%s, %s, '100') RETURNING id",
            product, code,
        )  # fmt: skip
        self.owner.execute("INSERT INTO sku_cost(sku_id, cost) VALUES (%s, %s)", (sku, COST))
        chain = [(MAIN, AT_MAIN), (JIANGNAN, AT_JIANGNAN), (DEER, AT_DEER)]
        for number, (station, price) in enumerate(chain, 1):
            prices = [COST, *(p for _s, p in chain[:number])]
            margins = [after - before for before, after in itertools.pairwise(prices)]
            self.owner.execute(
                "INSERT INTO listing(station_id, sku_id, price, buy_price) VALUES (%s,%s,%s,%s)",
                (station, sku, price, prices[-2]),
            )
            self.owner.execute(
                "INSERT INTO price_chain(station_id, sku_id, cost, parties, margins) "
                "VALUES (%s, %s, %s, %s, %s)",
                (station, sku, COST, [s for s, _p in chain[:number]], margins),
            )
        self.add_cards(code, cards)
        return code

    def add_cards(self, code: str, count: int) -> None:
        self.owner.execute(
            """WITH b AS (INSERT INTO card_batch(sku_id, name, created_by)
                 SELECT id, 'test', 'test' FROM sku WHERE code = %s RETURNING id, sku_id)
               INSERT INTO card(sku_id, batch_id, cipher, digest, key_id)
               SELECT b.sku_id, b.id, 'x', sha256(convert_to(b.id || ':' || n, 'UTF8')),
                      (SELECT min(id) FROM data_key) FROM b, generate_series(1, %s) n""",
            (code, count),
        )

    def one(self, sql: str, *params: Any) -> Any:
        row = self.owner.execute(sql, params).fetchone()
        return row[0] if row else None

    def member(self, station: int, balance: int = 0) -> int:
        """A member, whose wallet is filled by a gateway payment when asked for."""
        member = int(
            self.one(
                "INSERT INTO member(station_id, login, password_hash) VALUES (%s, %s, '') "
                "RETURNING id",
                station, secrets.token_hex(6),
            )
        )  # fmt: skip
        if balance:
            attempt = self.attempt(station, balance, purpose="top_up", member=member)
            assert self.pay(station, attempt, balance)["code"] == "topped_up"
        return member

    def place(self, code: str, station: int = DEER, quantity: int = 1, **changes: Any) -> Any:
        from kameng.orders.api import PlaceRequest, place, quote

        with self.app.app_context(), station_scope(station):
            payable = changes.pop("expected_payable", None)
            values: dict[str, Any] = {
                "sku_code": code,
                "quantity": quantity,
                "inputs": {},
                "contact": f"{secrets.token_hex(4)}@example.com",
                "idempotency_key": secrets.token_hex(8),
                "ip": "192.0.2.1",
            }
            values.update(changes)
            risk = values.pop("risk", ("allow", []))
            if payable is None:
                payable = quote(code, quantity).payable
            return place(PlaceRequest(expected_payable=payable, **values), risk)

    def attempt(
        self, station: int, amount: int, *, order: int | None = None, purpose: str = "order",
        member: int | None = None, fee: int = 0, plugin: str = "payment-epay",
    ) -> str:  # fmt: skip
        """An attempt as if it had been sent to the gateway; returns its number."""
        number = f"T{secrets.token_hex(9)}"
        self.owner.execute(
            "INSERT INTO payment_attempt(station_id, attempt_no, purpose, order_id, member_id, "
            "plugin_id, method, amount, fee, state, expires_at) VALUES "
            "(%s, %s, %s, %s, %s, %s, 'alipay', %s, %s, 'sent', now() + interval '15 minutes')",
            (station, number, purpose, order, member, plugin, amount, fee),
        )
        return number

    def pay(
        self, station: int, attempt: str, amount: int, ref: str = "", plugin: str = "payment-epay"
    ) -> dict[str, Any]:
        """What a verified notice does."""
        from kameng.payments.services.applying import call_until_decided

        with self.app.app_context():
            return call_until_decided(
                "apply_payment", p_station=station, p_attempt_no=attempt, p_plugin=plugin,
                p_amount=amount, p_currency="CNY", p_provider_ref=ref or f"gw-{attempt}",
                p_source="notice",
            )  # fmt: skip

    def buy(self, code: str, station: int = DEER, quantity: int = 1, fee: int = 0) -> Any:
        """Place and pay; returns (placed, code of the payment)."""
        placed = self.place(code, station, quantity)
        attempt = self.attempt(station, placed.payable, order=placed.order_id, fee=fee)
        return placed, self.pay(station, attempt, placed.payable)["code"]

    def state(self, station: int, order_id: int) -> str:
        return str(
            self.one("SELECT state FROM orders WHERE station_id=%s AND id=%s", station, order_id)
        )

    def guarded(self, function: str, **params: Any) -> dict[str, Any]:
        """A guarded function for the main role, committed."""
        from kameng.db import db, run

        with self.app.app_context(), main_scope(reason="test"):
            row = run(function, **params)[0]
            db.session.commit()
            return row

    def balance(self, station: int, kind: str, ref: str = "") -> int:
        return int(
            self.one(
                "SELECT coalesce(sum(CASE WHEN t.credit_account = a.id THEN t.amount "
                "ELSE -t.amount END), 0) FROM account a JOIN transfer t ON a.id IN "
                "(t.debit_account, t.credit_account) "
                "WHERE a.station_id = %s AND a.kind = %s AND a.ref = %s",
                station, kind, ref,
            )
        )  # fmt: skip

    def verify(self) -> Any:
        from kameng.ledger.api import verify

        with self.app.app_context(), main_scope(reason="test"):
            return verify()

    def assert_books_balance(self) -> None:
        report = self.verify()
        assert report.ok, [(c.name, c.findings) for c in report.checks if not c.ok]

    def plant(self, sql: str) -> None:
        """Change something behind the product's back."""
        self.owner.execute(sql.encode())

    @staticmethod
    def dumps(value: Any) -> str:
        return json.dumps(value)


@pytest.fixture
def shop(app: Flask, owner: psycopg.Connection[Any]) -> Shop:
    """The small shop on the module's database; stations and SKUs stay between tests."""
    built = Shop(app, owner)
    built.build()
    return built
