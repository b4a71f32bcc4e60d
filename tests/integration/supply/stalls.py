"""A market street: every installed supplier's plugin at its own simulator, each an account of ours.

What a test must know of one supplier stands in `STALLS`; all else is asked over the plugin or the
simulator's levers. Nothing here knows a protocol.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.integration.payments.street import Street

from kameng.plugins import api as plugins
from kameng.plugins.discovery import GROUP
from kameng.runtime import current_settings
from kameng_sdk.suppliers import Offer, OfferKind, SupplierCapability

MAIN = 1
DEER = 3
BY_HAND = "supplier-manual"  # people's desk: no other side
PHONE = "13800000001"
QUIET = {
    "callbacks": "off",
    "forged_callbacks": "off",
    "top_up_ms": "0",
    "card_ms": "0",
    "latency_ms": "0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """One account at one supplier, in one of the ways it can be spoken to.

    ``finds_by_number``: it can be asked by our own number, so a lost answer is found again.
    ``shows_refunds``: what comes back of a delivered order can be seen by asking.
    ``keeps_inputs``: what a shopper filled in is kept there with an order of cards too.
    ``numbers_cards``: a card comes with a number beside its code.
    ``shows_failures``: so can that an order failed and its money is back.
    ``one_address``: notices go to one address for the whole account, set over there.
    ``names_currency``: its offers carry a currency behind their names.
    """

    name: str
    plugin_id: str
    settings: Mapping[str, str] = field(default_factory=dict)
    finds_by_number: bool = True
    shows_refunds: bool = True
    shows_failures: bool = True
    numbers_cards: bool = True
    keeps_inputs: bool = True
    one_address: bool = False
    names_currency: bool = False


STALLS = (
    Stall(name="kameng", plugin_id="supplier-kameng"),
    Stall(name="kakayun", plugin_id="supplier-kakayun"),
    Stall(name="kasushou", plugin_id="supplier-kasushou"),
    Stall(name="kayixin", plugin_id="supplier-kayixin"),
    Stall(
        name="yile-community", plugin_id="supplier-yile", settings={"flavour": "community"},
        finds_by_number=False, keeps_inputs=False, shows_refunds=False,
    ),
    Stall(
        name="yile-sup", plugin_id="supplier-yile", settings={"flavour": "sup"},
        finds_by_number=False,
    ),
    Stall(
        name="acg-shared", plugin_id="supplier-acg-shared", settings={"flavour": "shared"},
        finds_by_number=False, shows_refunds=False, shows_failures=False,
    ),
    Stall(
        name="acg-v4", plugin_id="supplier-acg-shared", settings={"flavour": "v4"},
        shows_refunds=False, shows_failures=False,
    ),
    Stall(
        name="dujiao-next", plugin_id="supplier-dujiao-next", finds_by_number=False,
        numbers_cards=False,
    ),
    Stall(  # a dollar is a yuan here, so that both sides count alike; parts that come back are not told
        name="reloadly", plugin_id="supplier-reloadly", settings={"rate": "1"}, one_address=True, shows_refunds=False,
        names_currency=True,
    ),
)  # fmt: skip


def installed() -> dict[str, Any]:
    """The plugin modules of suppliers that have a simulator, by id."""
    points = {point.name: point for point in entry_points(group=GROUP)}
    names = [name for name in sorted(points) if name.startswith("supplier-") and name != BY_HAND]
    found = {name: points[name].load() for name in names}
    return {
        n: plugin for n, plugin in found.items() if find_spec(f"{plugin.__package__}.simulator")
    }


def open_stalls() -> list[Stall]:
    """Those whose plugin is installed."""
    found = installed()
    return [stall for stall in STALLS if stall.plugin_id in found]


def build_street(folder: Path) -> Street:
    """All simulators behind one address, and a door for the shop."""
    return Street(folder, list(installed().values()))


@dataclass
class Stand:
    """A stall that trades with the shop: its account, connection and offers, and its levers."""

    stall: Stall
    street: Street
    shop: Any
    supplier_id: int = 0
    connection_id: int = 0

    def __post_init__(self) -> None:
        self.simulator = self.street[self.stall.plugin_id]
        self.url = f"{self.street.url}/{self.simulator.name}/control"

    def open(self, **given: str) -> None:
        """Configure the account and enter supplier and connection."""
        stall, name = self.stall, self.stall.name
        plugins.add_account(MAIN, stall.plugin_id, name, "staff:1")
        self.configure(**given)
        plugins.set_enabled(MAIN, stall.plugin_id, True, "staff:1", account=name)
        if stall.one_address:
            settings = current_settings()
            path = plugins.hook_path(MAIN, stall.plugin_id, name)
            notices = settings.host_url(settings.main_host) + path
            self.street.http.post(f"{self.url}/webhook", data={"url": notices})
        self.supplier_id = self.shop.one(
            "INSERT INTO supplier(code, name, state) VALUES (%s, %s, 'active') RETURNING id",
            name, name,
        )  # fmt: skip
        self.connection_id = self.shop.one(
            "INSERT INTO supply_connection(supplier_id, plugin_id, account, name, sync_goods)"
            " VALUES (%s, %s, %s, %s, false) RETURNING id",
            self.supplier_id, stall.plugin_id, name, name,
        )  # fmt: skip

    def configure(self, **given: str) -> None:
        """The simulator's own values, this stall's, and what else is given."""
        values = {**self.simulator.demo_config(), **self.stall.settings, **given}
        plugins.configure(MAIN, self.stall.plugin_id, values, "staff:1", account=self.stall.name)

    @property
    def key(self) -> str:
        """Name of the setting that signs."""
        manifest = installed()[self.stall.plugin_id].kameng_manifest()
        return next(each.name for each in manifest.config_fields if each.secret)

    @property
    def bound(self) -> plugins.BoundSupplier:
        """The account as the engine calls it."""
        return plugins.supplier(self.stall.plugin_id, self.stall.name)

    def can(self, capability: SupplierCapability) -> bool:
        return capability in self.bound.capabilities

    # Goods

    def read_catalogue(self) -> list[Offer]:
        """Every page of it."""
        offers: list[Offer] = []
        cursor = ""
        while True:
            answer = self.bound.list_offers(cursor)
            assert answer.value is not None, answer.message
            offers += answer.value.offers
            cursor = answer.value.next_cursor
            if not cursor:
                return offers

    def name_there(self, offer: Offer) -> str:
        """What an offer is called over there."""
        return offer.name[: -len(" USD")] if self.stall.names_currency else offer.name

    def keep_catalogue(self) -> None:
        """Enter every offer, mapped to nothing."""
        for offer in self.read_catalogue():
            self.shop.owner.execute(
                "INSERT INTO supply_offer(supplier_id, connection_id, sku_ref, name, category, kind,"
                " cost, stock, on_sale, minimum, maximum, fields)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    self.supplier_id, self.connection_id, offer.sku_ref, offer.name,
                    offer.category, offer.kind.value, offer.cost.amount, offer.stock,
                    offer.on_sale, offer.minimum, offer.maximum,
                    json.dumps([{"name": each.name, "choices": each.choices, "required": each.required} for each in offer.fields]),
                ),
            )  # fmt: skip

    def offers(self, kind: OfferKind, most: int) -> list[Any]:
        """Offers of a kind at no more than `most` each: id, what it is called there, its fields."""
        return self.shop.owner.execute(  # type: ignore[no-any-return]  # rows of any table
            "SELECT id, sku_ref, fields FROM supply_offer WHERE connection_id = %s AND kind = %s"
            " AND cost <= %s AND on_sale AND minimum = 1 ORDER BY jsonb_array_length(fields), id",
            (self.connection_id, kind.value, most),
        ).fetchall()

    def offer(self, kind: OfferKind, sku: str, place: int = 0, most: int = 93_0000) -> Any:
        """Map one offer to a SKU: what the shopper gives as `account` goes into its first field."""
        number, ref, fields = self.offers(kind, most)[place]
        self.shop.owner.execute(
            "UPDATE supply_offer SET sku_id = (SELECT id FROM sku WHERE code = %s), input_map = %s"
            " WHERE id = %s",
            (sku, json.dumps({each["name"]: f"f{at}" for at, each in enumerate(fields)}), number),
        )
        return ref

    # Levers

    def move(self, **levers: str) -> None:
        """Move levers of the simulator."""
        self.street.http.post(f"{self.url}/settings", data=levers).raise_for_status()

    def sales(self) -> list[dict[str, Any]]:
        """What was sold there, the newest first."""
        found: list[dict[str, Any]] = self.street.http.get(f"{self.url}/orders").json()["orders"]
        return found

    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = self.street.http.get(f"{self.url}/facts").json()
        return found

    def act(self, ref: str, action: str, **params: str) -> None:
        """Refund, finish, fail … one order there."""
        self.street.http.post(f"{self.url}/{ref}/{action}", data=params).raise_for_status()

    def rest(self) -> None:
        """The breaker's memory is wiped, and the simulator stands as at the start of a test."""
        self.move(**QUIET)
        self.shop.owner.execute(
            "UPDATE supply_connection SET failures = 0, trips = 0, broken_until = NULL"
            " WHERE id = %s", (self.connection_id,),
        )  # fmt: skip


def inputs(stands: Sequence[Stand], account: str = PHONE) -> dict[str, str]:
    """What a shopper fills in: the account, and for other fields a choice or the same."""
    given = {"f0": account}
    for stand in stands:
        rows = stand.shop.owner.execute(
            "SELECT fields FROM supply_offer WHERE connection_id = %s AND sku_id IS NOT NULL",
            (stand.connection_id,),
        ).fetchall()
        for (fields,) in rows:
            for at, each in enumerate(fields[1:], 1):
                given[f"f{at}"] = (each.get("choices") or [account])[0]
    return given
