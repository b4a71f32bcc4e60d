"""The small market with suppliers behind the port: they answer as told."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.integration.supply.conftest import ASKS, Upstream, answer

from kameng.jobs.api import drain
from kameng.plugins import api as plugins
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, SupplierCapability

WAIT = answer(Outcome.PENDING, message="warehouse busy")
NO = answer(Outcome.DECLINED, message="Far East Trading has none")
YES = answer(Outcome.SUCCEEDED)
PARTLY = ASKS | SupplierCapability.PARTIAL
COST = 10_0000
INNER = ("Far East Trading", "warehouse busy", "no supplier", "up-1")


def cards(*codes: str) -> Any:
    pieces = tuple(
        Delivery(number=f"9{secrets.randbelow(10**12)}", code=Secret(code)) for code in codes
    )
    return answer(Outcome.SUCCEEDED, deliveries=pieces)


@dataclass
class Trade:
    """The shop's market with suppliers behind the port."""

    market: Any
    ways: dict[str, Upstream] = field(default_factory=dict)

    def find(self, plugin_id: str, account: str = "", **_switched: Any) -> Any:
        """In the place of the host."""
        if account not in self.ways:
            raise plugins.PluginUnavailable(plugin_id, None, "not there")
        return self.ways[account]

    def goods(self, kind: str = "card", **changes: Any) -> str:
        """A SKU of its own product that only suppliers have."""
        from kameng.catalog import api as catalog
        from kameng.db import main_scope
        from kameng.pricing import api as pricing

        code = f"FAR{secrets.token_hex(3)}".upper()
        with self.market.app.app_context(), main_scope(reason="test"):
            home = self.market.count("SELECT id FROM category WHERE slug = 'games'")
            product = catalog.create_product(
                code.lower(), f"远方{code}", home, kind, state="on_sale"
            )
            number = catalog.create_sku(product, code, "10 元", cost=COST, **changes)
            pricing.reprice()
        self.market.owner.execute("UPDATE sku SET sourcing = 'supplier' WHERE id = %s", (number,))
        self.market.skus[code] = number
        return code

    def left(self, code: str, available: int | None) -> None:
        """So many can be had of a SKU; None: no limit is known."""
        self.market.owner.execute(
            "INSERT INTO supply_level(sku_id, available) VALUES (%s, %s)"
            " ON CONFLICT (sku_id) DO UPDATE SET available = excluded.available",
            (self.market.skus[code], available),
        )
        from kameng.catalog import api as catalog

        with self.market.app.app_context():
            catalog.forget_levels([self.market.skus[code]])

    def supplier(self, code: str, given: Any, capabilities: Any = PARTLY) -> Upstream:
        """A supplier of one SKU; the first made is the cheapest."""
        name = f"far-{secrets.token_hex(3)}"
        made = Upstream(given, capabilities, plugin_id="supplier-test", account=name)
        own = self.market.count(
            "INSERT INTO supplier(code, name, state) VALUES (%s, %s, 'active') RETURNING id",
            name,
            name,
        )
        line = self.market.count(
            "INSERT INTO supply_connection(supplier_id, plugin_id, account, name)"
            " VALUES (%s, 'supplier-test', %s, %s) RETURNING id", own, name, name,
        )  # fmt: skip
        self.market.owner.execute(
            "INSERT INTO supply_offer(supplier_id, connection_id, sku_ref, name, kind, cost, sku_id)"
            " VALUES (%s, %s, 'r', 'offer', 'top_up', %s, %s)",
            (own, line, COST - 100 + len(self.ways), self.market.skus[code]),
        )
        self.ways[name] = made
        return made

    def bought(self, browser: Any, code: str, quantity: int = 1, **form: str) -> str:
        """An order that is placed, paid at the gateway, and given to the suppliers; its number."""
        filled = self.market.order_form(browser, code, quantity) | form
        assert self.market.post(browser, "/orders", filled).status_code == 303
        number, order_id = self.market.owner.execute(
            "SELECT order_no, id FROM orders ORDER BY id DESC LIMIT 1"
        ).fetchone()
        self._pay_at_gateway(order_id)
        self.settle()
        return str(number)

    def sold(self, station: int, code: str, quantity: int) -> str:
        """The same at a station, beside its pages; the order's number."""
        from kameng.db import call, station_scope
        from kameng.orders import api as orders

        with self.market.app.app_context():
            with station_scope(station):
                wanted = orders.PlaceRequest(
                    code, quantity, {}, "13955577777", orders.quote(code, quantity).payable,
                    secrets.token_hex(8), "198.51.100.4",
                )  # fmt: skip
                placed = orders.place(wanted)
            self.market.owner.execute(
                "INSERT INTO payment_attempt(station_id, attempt_no, purpose, order_id, plugin_id, method,"
                " amount, state, expires_at) VALUES (%s, %s, 'order', %s, 'payment-epay', 'alipay', %s,"
                " 'sent', now() + '1 hour')",
                (station, f"T{placed.order_no}", placed.order_id, placed.payable),
            )
            paid = call(
                "apply_payment", p_station=station, p_attempt_no=f"T{placed.order_no}",
                p_plugin="payment-epay", p_amount=placed.payable, p_currency="CNY",
                p_provider_ref=placed.order_no, p_source="test", p_wait=False, as_main=True,
            )  # fmt: skip
            assert paid["code"] == "awaiting_fulfilment"
        self.work()
        return str(placed.order_no)

    def settle(self) -> None:
        """What has been paid is known: the gateway is asked, and the suppliers get their orders."""
        from kameng.payments.api import query_attempt

        waiting = self.market.owner.execute(
            "SELECT station_id, id FROM payment_attempt WHERE purpose = 'order'"
            " AND plugin_id = 'payment-epay' AND state = 'sent' ORDER BY id DESC LIMIT 1"
        ).fetchall()
        with self.market.app.app_context():
            for station, attempt in waiting:
                query_attempt(station, attempt)
        self.work()

    def _pay_at_gateway(self, order_id: int) -> None:
        from kameng.runtime import current_settings

        found = self.market.owner.execute(
            "SELECT id, attempt_no FROM payment_attempt WHERE order_id = %s"
            " AND plugin_id = 'payment-epay'", (order_id,),
        ).fetchone()  # fmt: skip
        if found is None:
            return  # from the wallet
        with self.market.app.app_context():
            base = current_settings().simulator_url
            assert httpx.post(f"{base}/epay/control/out:{found[1]}/pay").status_code == 200

    def work(self) -> None:
        """The jobs do what there is to do, and ask suppliers that are due."""
        from kameng.jobs import tasks as mails
        from kameng.supply import tasks

        assert mails  # they listen, too
        self.market.owner.execute(
            "UPDATE purchase SET next_query_at = now() - interval '1 second'"
            " WHERE state IN ('created', 'sent', 'unknown')"
        )
        with self.market.app.app_context():
            drain()
            tasks.query_purchases()
            drain()

    def mails(self, number: str) -> list[Any]:
        """Kind and body of the mails about an order, in turn."""
        return list(
            self.market.owner.execute(
                "SELECT kind, body FROM notice WHERE body LIKE %s ORDER BY id", (f"%{number}%",)
            )
        )

    def partly(self, browser: Any, code: str = "", **form: str) -> tuple[str, Upstream]:
        """An order of three cards of which one has come, and the supplier who has the rest."""
        code = code or self.goods()
        second = self.two_suppliers(code)
        return self.bought(browser, code, 3, **form), second

    def two_suppliers(self, code: str) -> Upstream:
        """The first has one card, the second answers later; the second."""
        self.left(code, None)
        self.supplier(code, cards(f"FIRST-{code}"))
        return self.supplier(code, WAIT)
