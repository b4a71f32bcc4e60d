"""One member's key at A, and the connection of B that uses it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kameng.db import call, main_scope, station_scope
from kameng.openapi.domain.callers import DIALECTS
from kameng.plugins import api as plugins
from kameng.supply import api as supply
from kameng.supply.services import syncing
from kameng_sdk.suppliers import SupplierCapability

from .instances import MAIN, STAFF, Instance
from .tongues import Tongue

PLENTY = 1_000_0000


@dataclass(frozen=True, slots=True)
class Pair:
    """A is upstream, B downstream."""

    a: Instance
    b: Instance


@dataclass(frozen=True, slots=True)
class Bought:
    """An order of B, and what it was bought by."""

    order_no: str
    order_id: int


@dataclass
class Dock:
    """``member`` is B's account at A; ``buyer`` shops at B with the browser."""

    pair: Pair
    tongue: Tongue
    member: int
    buyer: int
    browser: Any
    phone: str
    supplier_id: int = 0
    connection_id: int = 0
    values: Mapping[str, str] = field(default_factory=dict)  # of the plugin's form

    @classmethod
    def open(cls, pair: Pair, tongue: Tongue) -> Dock:
        """A member with a key at A; a buyer and a connection at B."""
        a, b = pair.a, pair.b
        number = 20 + DIALECTS.index(tongue.dialect)
        browser = b.market.browser()
        browser.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"  # not one buyer of everything
        member = a.market.member(a.market.browser(), f"{tongue}-b@example.com")
        buyer = b.market.member(browser, f"{tongue}@example.com")
        dock = cls(pair, tongue, member, buyer, browser, phone=f"13800000{number:03d}")
        dock._connect()
        dock.fill(a, member, PLENTY)
        dock.fill(b, buyer, PLENTY)
        return dock

    def _connect(self) -> None:
        b, plugin_id, account = self.pair.b, self.tongue.plugin_id, self.tongue.dialect
        with b.app.app_context():
            self.supplier_id = b.one(
                "INSERT INTO supplier(code, name, state) VALUES (%s, %s, 'active') RETURNING id",
                account, account,
            )  # fmt: skip
            self.connection_id = supply.add_connection(
                self.supplier_id, plugin_id, account, account, STAFF
            )
            hook = b.url + plugins.hook_path(MAIN, plugin_id, account)
        key_id, secret = self._key(hook if self.tongue.one_address else "")
        self.values = self.tongue.settings(self.pair.a.url, key_id, secret)
        with b.app.app_context():
            plugins.configure(MAIN, plugin_id, self.values, STAFF, account=account)
            plugins.set_enabled(MAIN, plugin_id, True, STAFF, account=account)

    def _key(self, callback_url: str) -> tuple[str, str]:
        from kameng.openapi import api as openapi

        with self.pair.a.app.app_context(), station_scope(MAIN):
            openapi.switch_dialect(self.tongue.dialect, True, STAFF)
            return openapi.make_key(
                self.member, name="B", dialect=self.tongue.dialect, callback_url=callback_url,
                actor=STAFF,
            )  # fmt: skip

    def rest(self) -> None:
        """The breaker has forgotten what earlier tests did."""
        self.pair.b.market.owner.execute(
            "UPDATE supply_connection SET failures = 0, trips = 0, broken_until = NULL"
        )

    # B's side

    @property
    def bound(self) -> plugins.BoundSupplier:
        """A's account as B's engine calls it, in B's application context."""
        return plugins.supplier(self.tongue.plugin_id, self.tongue.dialect)

    def can(self, capability: SupplierCapability) -> bool:
        with self.pair.b.app.app_context():
            return capability in self.bound.capabilities

    def sync(self) -> None:
        """Read A's catalogue and our balance there."""
        with self.pair.b.app.app_context():
            assert syncing.sync(self.connection_id) == ""

    def offer(self, code: str) -> Any:
        """What B knows of a SKU of A: id, sku_ref, kind, cost, stock, on_sale; None if nothing."""
        return self.pair.b.market.owner.execute(
            "SELECT id, sku_ref, kind, cost, stock, on_sale FROM supply_offer"
            " WHERE connection_id = %s AND gone_at IS NULL AND strpos(name, %s) > 0",
            (self.connection_id, code),
        ).fetchone()

    def sold_on(self, code: str, kind: str) -> str:
        """B sells a SKU of A under a SKU of its own; B's code."""
        self.sync()
        b, found = self.pair.b, self.offer(code)
        mine = b.goods(kind, cost=found[3] * 2)
        with b.app.app_context(), main_scope(reason="test"):
            wanted = supply.MappedTo(offer_id=found[0], sku_id=b.market.skus[mine])
            supply.map_offers([wanted], STAFF)
            if kind == "card":
                supply.set_sourcing(b.market.skus[mine], "supplier", STAFF)
        return mine

    def buy(self, mine: str, quantity: int = 1, **inputs: str) -> Bought:
        """A shopper buys at B, paid from the wallet; B's jobs have worked."""
        market = self.pair.b.market
        form = market.order_form(self.browser, mine, quantity, **inputs)
        answer = market.post(self.browser, "/orders", form | {"method": "payment-balance:balance"})
        assert answer.status_code == 303, answer.text[:500]
        number, order_id = market.owner.execute(
            "SELECT order_no, id FROM orders ORDER BY id DESC LIMIT 1"
        ).fetchone()
        self.pair.b.work()
        return Bought(str(number), int(order_id))

    def state(self, bought: Bought) -> str:
        return str(self.pair.b.one("SELECT state FROM orders WHERE id = %s", bought.order_id))

    def page(self, bought: Bought) -> str:
        """The order's page as the shopper sees it."""
        return str(self.pair.b.market.get(self.browser, f"/o/{bought.order_no}"))

    def purchase(self, bought: Bought) -> Any:
        """Its one purchase: id, purchase_no, state, code, cost, refunded, supplier_ref."""
        (row,) = self.pair.b.market.owner.execute(
            "SELECT id, purchase_no, state, code, cost, refunded, supplier_ref FROM purchase"
            " WHERE order_id = %s AND connection_id = %s", (bought.order_id, self.connection_id),
        ).fetchall()  # fmt: skip
        return row

    def asked_until(self, bought: Bought, state: str) -> None:
        """By questions alone; some systems give cards a moment later."""
        for _n in range(5):
            if self.state(bought) == state:
                return
            self.pair.b.ask_suppliers()
        assert self.state(bought) == state

    # A's side

    def orders_there(self, purchase_no: str) -> list[Any]:
        """Orders of A under a number of B: order_no, state, payable, refunded."""
        return self.pair.a.market.owner.execute(
            "SELECT order_no, state, payable, refunded FROM orders WHERE idempotency_key = %s",
            (f"api:{self.member}:{self.tongue.number(purchase_no)}",),
        ).fetchall()

    def fulfil_by_hand(self, purchase_no: str, text: str) -> None:
        """A person at A has topped it up."""
        ((order_no, *_),) = self.orders_there(purchase_no)
        a = self.pair.a
        a.work()
        with a.app.app_context(), main_scope(reason="test"):
            (mine,) = [p for p in supply.open_purchases() if p.order_no == order_no]
            assert supply.complete(MAIN, mine.id, text, STAFF) == "ok"

    def refund_there(self, purchase_no: str, amount: int) -> None:
        """Staff of A give back so much."""
        from kameng.payments.api import request_refund

        ((order_no, *_),) = self.orders_there(purchase_no)
        with self.pair.a.app.app_context():
            code, _no = request_refund(MAIN, order_no, amount, "test", STAFF, secrets.token_hex(8))
        assert code == "ok"

    @staticmethod
    def fill(instance: Instance, member: int, amount: int) -> None:
        """A wallet, through the books."""
        number = f"T{secrets.token_hex(9)}"
        instance.market.owner.execute(
            "INSERT INTO payment_attempt(station_id, attempt_no, purpose, member_id, plugin_id,"
            " method, amount, state, expires_at) VALUES"
            " (1, %s, 'top_up', %s, 'payment-epay', 'alipay', %s, 'sent', now() + '1 hour')",
            (number, member, amount),
        )
        with instance.app.app_context():
            done = call(
                "apply_payment", p_station=MAIN, p_attempt_no=number, p_plugin="payment-epay",
                p_amount=amount, p_currency="CNY", p_provider_ref=number, p_source="test",
                p_wait=False, as_main=True,
            )  # fmt: skip
        assert done["code"] == "topped_up"
