"""What the suppliers' own records say of our purchases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.integration.supply.stalls import Stand

from kameng_sdk.money import Money
from kameng_supplier_acg_shared.signing import request_no

PURCHASES = """SELECT p.id, p.station_id, p.order_id, p.attempt, p.purchase_no, p.connection_id, p.supplier_ref, p.sku_ref, p.quantity, p.delivered, p.state,
    p.code, p.waits_for, p.cost, p.refunded, p.late_success, p.sends, p.inputs, o.kind, p.expected_cost
  FROM purchase p JOIN orders o ON o.station_id = p.station_id AND o.id = p.order_id ORDER BY p.id"""


@dataclass(frozen=True)
class Bought:
    """One of our purchases, as our database has it."""

    id: int
    station_id: int
    order_id: int
    attempt: int
    purchase_no: str
    connection_id: int
    supplier_ref: str
    sku_ref: str
    quantity: int
    delivered: int
    state: str
    code: str
    waits_for: str
    cost: int | None
    refunded: int
    late_success: bool
    sends: int
    inputs: dict[str, str]
    kind: str
    expected_cost: int

    @property
    def open(self) -> bool:
        return self.state in ("created", "sent", "unknown")


@dataclass(frozen=True)
class Sold:
    """One order at a simulator. ``kept``: what it has taken and not given back, in units."""

    stand: Stand
    row: dict[str, Any]

    @property
    def state(self) -> str:
        return str(self.row["state"])

    @property
    def kept(self) -> int:
        return Money.parse(self.row["cost"]).amount - Money.parse(self.row["refunded"]).amount

    @property
    def codes(self) -> list[str]:
        return list(self.row["codes"])


def bought(owner: Any) -> list[Bought]:
    """All our purchases."""
    return [Bought(*row) for row in owner.execute(PURCHASES.encode()).fetchall()]


class Truth:
    """Every sale of every simulator, and the purchase it was made for."""

    def __init__(self, stands: Sequence[Stand], purchases: Iterable[Bought]) -> None:
        self.purchases = list(purchases)
        self.sold = [Sold(s, row) for s in _one_each(stands) for row in s.sales()]
        self.of: dict[int, list[Sold]] = defaultdict(list)
        self.nobodys: list[Sold] = []
        self._stands = {stand.connection_id: stand for stand in stands}
        self._match()

    def name(self, purchase: Bought) -> str:
        """The stall that a purchase was made at; the desk has none."""
        stand = self._stands.get(purchase.connection_id)
        return stand.stall.name if stand else "desk"

    def _match(self) -> None:
        numbers = {each: p for p in self.purchases for each in _names(p)}
        refs = {(self._simulator(p), _ref(p)): p for p in self.purchases if p.supplier_ref}
        lost = []
        for sale in self.sold:
            name = sale.stand.simulator.name
            purchase = numbers.get(sale.row["number"]) or refs.get((name, sale.row["ref"]))
            if purchase:
                self.of[purchase.id].append(sale)
            else:
                lost.append(sale)
        for sale in lost:
            self._find_by_goods(sale)

    def _find_by_goods(self, sale: Sold) -> None:
        """Without a number and with its answer lost: it can only be one that is open, of the same
        goods, number and account. Which one of equals does not matter: cards are all alike."""
        for purchase in self.purchases:
            alike = (
                purchase.sku_ref == sale.row["goods"] and purchase.quantity == sale.row["quantity"]
                and set(purchase.inputs.values()) >= set(sale.row["inputs"].values())
                and self._simulator(purchase) == sale.stand.simulator.name
            )  # fmt: skip
            by_hand = purchase.state == "succeeded" or purchase.code == "by_hand"
            if (
                alike
                and not purchase.supplier_ref
                and not self.of[purchase.id]
                and (purchase.open or by_hand)
            ):
                self.of[purchase.id].append(sale)
                return
        self.nobodys.append(sale)

    def _simulator(self, purchase: Bought) -> str:
        stand = self._stands.get(purchase.connection_id)
        return stand.simulator.name if stand else ""


def _one_each(stands: Sequence[Stand]) -> list[Stand]:
    """Two stalls may be doors of one house."""
    return list({id(stand.simulator): stand for stand in stands}.values())


def _names(purchase: Bought) -> set[str]:
    """Our number, as the different systems write it."""
    number = purchase.purchase_no
    return {number, f"{number}c", f"{number}t", request_no(number)}


def _ref(purchase: Bought) -> str:
    """Theirs, without what the plugin keeps beside it."""
    return purchase.supplier_ref.partition(".")[0]
