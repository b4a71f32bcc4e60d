"""Suppliers behind the port: they answer as told and remember what they were asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from kameng.jobs.api import drain
from kameng.plugins import api as plugins
from kameng.plugins.api import Answer
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import (
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
    SupplierRules,
)

from .street import PLUGIN, Street

POINTS = {PLUGIN: "kameng_test_upstream", "supplier-manual": "kameng_supplier_manual.plugin"}
DEER = 3
COST = 93_2000  # of a SKU of the small shop; at the main station it sells for 95.00
ASKS = SupplierCapability.TOP_UP | SupplierCapability.CODES | SupplierCapability.QUERY
MANUAL = SupplierCapability.MANUAL | SupplierCapability.TOP_UP

Script = Callable[[str, PurchaseRequest | str], Answer[PurchaseResult]]


@dataclass
class Upstream:
    """`answer` is given to every call, or `script` decides by the step and what was asked."""

    answer: Answer[PurchaseResult]
    capabilities: SupplierCapability = ASKS
    rules: SupplierRules = field(default_factory=SupplierRules)
    script: Script | None = None
    plugin_id: str = ""
    account: str = ""
    purchases: list[PurchaseRequest] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)

    def purchase(self, request: PurchaseRequest) -> Answer[PurchaseResult]:
        self.purchases.append(request)
        return self.script("purchase", request) if self.script else self.answer

    def query(self, purchase_no: str, supplier_ref: str = "") -> Answer[PurchaseResult]:
        self.queries.append(purchase_no)
        return self.script("query", purchase_no) if self.script else self.answer

    def cancel(self, purchase_no: str, supplier_ref: str, reason: str) -> Answer[PurchaseResult]:
        return self.script("cancel", purchase_no) if self.script else self.answer


def answer(outcome: Outcome, *, empty: bool = False, **changes: Any) -> Answer[PurchaseResult]:
    result: dict[str, Any] = {"supplier_ref": "up-1", "message": "said so"}
    known = ("supplier_ref", "message", "deliveries", "cost", "refunded", "found")
    result.update({name: changes.pop(name) for name in list(changes) if name in known})
    value = None if empty else PurchaseResult(outcome=outcome, **result)
    return Answer(outcome=outcome, value=value, message=result["message"], **changes)


@dataclass
class Market:
    """Hands for tests: suppliers with one offer each, and what became of an order."""

    shop: Any
    ways: dict[tuple[str, str], Upstream] = field(default_factory=dict)

    def supplier(self, sku: str, given: Answer[PurchaseResult], **changes: Any) -> Upstream:
        """A supplier whose one offer is mapped to a SKU; `changes` are its columns."""
        name = changes.pop("name", f"s{len(self.ways)}")
        made = Upstream(given, plugin_id="supplier-test", account=name)
        for column in ("capabilities", "rules", "script"):
            if column in changes:
                setattr(made, column, changes.pop(column))
        code = f"{name}-{sku.lower()}"
        supplier = self.shop.one(
            "INSERT INTO supplier(code, name, state, grade) VALUES (%s, %s, 'active', %s)"
            " RETURNING id", code, name, changes.pop("grade", None),
        )  # fmt: skip
        connection = self.shop.one(
            "INSERT INTO supply_connection(supplier_id, plugin_id, account, name)"
            " VALUES (%s, 'supplier-test', %s, %s) RETURNING id", supplier, name, name,
        )  # fmt: skip
        self.shop.one(
            "INSERT INTO supply_offer(supplier_id, connection_id, sku_ref, name, kind, cost, stock,"
            " sku_id, input_map) SELECT %s, %s, %s, 'offer', 'top_up', %s, %s, id, %s FROM sku"
            " WHERE code = %s RETURNING id",
            supplier, connection, f"ref-{name}", changes.pop("cost", COST),
            changes.pop("stock", None), json.dumps(changes.pop("input_map", {})), sku,
        )  # fmt: skip
        assert not changes
        self.ways[("supplier-test", name)] = made
        made.supplier_id, made.connection_id = supplier, connection  # type: ignore[attr-defined]  # for the tests' own questions
        return made

    def find(self, plugin_id: str, account: str = "", **_switched: Any) -> Any:
        """In the place of the host."""
        if (plugin_id, account) not in self.ways:
            raise plugins.PluginUnavailable(plugin_id, None, "not there")
        return self.ways[(plugin_id, account)]

    def paid(self, sku: str, quantity: int = 2) -> Any:
        placed, code = self.shop.buy(sku, quantity=quantity)
        assert code == "awaiting_fulfilment"
        return placed

    def purchases(self, order_id: int) -> list[Any]:
        return self.shop.owner.execute(
            "SELECT id, state, code, waits_for, supplier_ref, message, cost, done_by, next_query_at,"
            " purchase_no, delivered, refunded, routing, sends FROM purchase"
            " WHERE station_id = %s AND order_id = %s ORDER BY attempt",
            (DEER, order_id),
        ).fetchall()

    def due(self, order_id: int, seconds: int = 0) -> None:
        """Open purchases of an order are due now, and were sent so long ago."""
        self.shop.plant(
            "UPDATE purchase SET next_query_at = now() - interval '1 second',"
            f" sent_at = sent_at - interval '{seconds} seconds' WHERE station_id = 3"
            f" AND order_id = {order_id} AND state IN ('created', 'sent', 'unknown')"
        )

    def state(self, placed: Any) -> str:
        return str(self.shop.state(DEER, placed.order_id))


@pytest.fixture
def desk(shop):
    """An application context, with the outbox of earlier tests worked off and a real card key."""
    from kameng.supply import tasks

    assert tasks
    shop.plant("UPDATE data_key SET state = 'retired' WHERE master_id = 'test'")
    with shop.app.app_context():
        drain()
        yield shop


@pytest.fixture
def market(desk, monkeypatch):
    """Suppliers at the port; the desk is there too, as it always is."""
    made = Market(desk)
    wait = answer(Outcome.PENDING, message="")
    made.ways[("supplier-manual", "")] = Upstream(wait, MANUAL, plugin_id="supplier-manual")
    monkeypatch.setattr(plugins, "supplier", made.find)
    return made


@pytest.fixture(scope="module")
def upstream_accounts(app):
    """The plugin, as if it were installed; what each account says, by name."""
    folder = str(Path(__file__).parent / "upstream")
    sys.path.insert(0, folder)
    points = [EntryPoint(name, target, "kameng.plugins") for name, target in POINTS.items()]
    plugins.init_plugins(app, app.extensions["kameng.settings"], points)
    import kameng_test_upstream

    yield kameng_test_upstream.ACCOUNTS
    sys.path.remove(folder)


@pytest.fixture
def street(shop, upstream_accounts):
    """The street, inside an application context."""
    with shop.app.app_context():
        yield Street(shop, upstream_accounts)
