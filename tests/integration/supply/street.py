"""A street of suppliers for the tests of supply: connections to a plugin that says what it is told."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from kameng.plugins import api as plugins
from kameng_sdk.money import Money
from kameng_sdk.suppliers import Offer, OfferField, OfferKind

PLUGIN = "supplier-upstream"
STAFF = "staff:1"


def offer(ref: str, cost: int, **changes: Any) -> Offer:
    """An offer of a top-up at a cost in units of scale 4."""
    values: dict[str, Any] = {
        "name": f"供货 {ref}", "kind": OfferKind.TOP_UP, "stock": 100,
        "fields": (OfferField(name="account", label="充值账号"),),
    }  # fmt: skip
    return Offer(sku_ref=ref, cost=Money(cost), **(values | changes))


@dataclass
class Street:
    """Suppliers and their connections, put into the database by its owner."""

    shop: Any
    said: Any = field(repr=False)

    def supplier(self, grade: str | None = None, **changes: Any) -> int:
        name = f"s-{secrets.token_hex(4)}"
        number = self.shop.one(
            "INSERT INTO supplier(code, name, state, grade) VALUES (%s, %s, 'active', %s) RETURNING id",
            name, changes.get("name", name), grade,
        )  # fmt: skip
        return int(number)

    def connection(self, supplier: int | None = None, grade: str | None = None) -> int:
        """A connection whose account is known to the plugin and switched on."""
        account = secrets.token_hex(4)
        plugins.add_account(1, PLUGIN, account, STAFF)
        plugins.configure(1, PLUGIN, {"shop": account}, STAFF, account)
        plugins.set_enabled(1, PLUGIN, True, STAFF, account)
        number = self.shop.one(
            "INSERT INTO supply_connection(supplier_id, plugin_id, account, name) "
            "VALUES (%s, %s, %s, %s) RETURNING id",
            supplier or self.supplier(grade), PLUGIN, account, f"接口 {account}",
        )  # fmt: skip
        return int(number)

    def up(self, connection: int) -> Any:
        """What the supplier behind a connection is to say."""
        account = self.shop.one("SELECT account FROM supply_connection WHERE id = %s", connection)
        return self.said[account]

    def offer_id(self, connection: int, ref: str) -> int:
        wanted = "SELECT id FROM supply_offer WHERE connection_id = %s AND sku_ref = %s"
        return int(self.shop.one(wanted, connection, ref))

    def map(self, connection: int, ref: str, code: str) -> int:
        """Say by the owner's hand which SKU an offer is; the offer's number."""
        number = self.offer_id(connection, ref)
        self.shop.owner.execute(
            "UPDATE supply_offer SET sku_id = (SELECT id FROM sku WHERE code = %s) WHERE id = %s",
            (code, number),
        )
        return number

    def sku_id(self, code: str) -> int:
        return int(self.shop.one("SELECT id FROM sku WHERE code = %s", code))

    def level(self, code: str) -> tuple[int | None, str] | None:
        found = self.shop.owner.execute(
            "SELECT available, paused FROM supply_level WHERE sku_id = %s", (self.sku_id(code),)
        ).fetchone()
        return found  # type: ignore[no-any-return]  # a row of the driver

    def cost(self, code: str) -> int:
        return int(self.shop.one("SELECT cost FROM sku_cost WHERE sku_id = %s", self.sku_id(code)))

    def alerts(self, kind: str) -> list[str]:
        rows = self.shop.owner.execute(
            "SELECT subject FROM alert WHERE kind = %s AND state = 'open' ORDER BY id", (kind,)
        )
        return [row[0] for row in rows]
