"""What the suppliers' own records say of our purchases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.integration.supply.stalls import Stand

from kameng.db import main_scope
from kameng.stock.domain.vault import open_card
from kameng.stock.services.keyring import card_cipher
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


CARDS = "SELECT c.purchase_id, c.sku_id, c.cipher, c.digest, c.key_id FROM card c WHERE c.purchase_id IS NOT NULL"


def vault(owner: Any) -> dict[int, list[str]]:
    """The codes that each purchase has brought, opened."""
    found: dict[int, list[str]] = defaultdict(list)
    with main_scope(reason="test"):
        for purchase, sku, cipher, digest, key in owner.execute(CARDS.encode()).fetchall():
            plain = open_card(card_cipher(key), key, sku, bytes(digest), bytes(cipher))
            found[purchase].append(plain.secret)
    return found


def read(shop: Any, stands: Sequence[Stand]) -> tuple[Truth, dict[int, list[str]]]:
    """Both sides as they stand now, and the vault."""
    cards = vault(shop.owner)
    owners = {code: purchase for purchase, codes in cards.items() for code in codes}
    return Truth(stands, bought(shop.owner), owners), cards


def bought(owner: Any) -> list[Bought]:
    """All our purchases."""
    return [Bought(*row) for row in owner.execute(PURCHASES.encode()).fetchall()]


class Truth:
    """Every sale of every simulator, and the purchase it was made for."""

    def __init__(
        self, stands: Sequence[Stand], purchases: Iterable[Bought], vault: Mapping[str, int]
    ) -> None:
        """`vault`: codes that we have, and the purchase that brought each."""
        self.purchases = list(purchases)
        self._vault = vault
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
        by_id = {p.id: p for p in self.purchases}
        numbers = {each: p for p in self.purchases for each in _names(p)}
        refs = {(self._simulator(p), _ref(p)): p for p in self.purchases if p.supplier_ref}
        lost = []
        for sale in self.sold:
            name = sale.stand.simulator.name
            mine = [by_id[self._vault[code]] for code in sale.codes if code in self._vault]
            lost_card = (
                mine[0] if mine and not sale.row["number"] and not mine[0].supplier_ref else None
            )
            purchase = (
                numbers.get(sale.row["number"]) or refs.get((name, sale.row["ref"])) or lost_card
            )
            if purchase:
                self.of[purchase.id].append(sale)
            else:
                lost.append(sale)
        for sale in lost:
            self._find_by_goods(sale)

    def _find_by_goods(self, sale: Sold) -> None:
        """Without a number and with its answer lost it can only be one of the same goods, count and
        account that is open or was settled by a person. Which one of equals does not matter: what
        has come to nothing belongs to one that failed, what was kept to one that did not."""
        lost = [p for p in self.purchases if self._may_be(p, sale)]
        failed = [p for p in lost if p.code == "by_hand"]
        others = [p for p in lost if p.open or p.state == "succeeded"]
        for purchase in others if sale.kept > 0 else [*failed, *others]:
            self.of[purchase.id].append(sale)
            return
        self.nobodys.append(sale)

    def _may_be(self, purchase: Bought, sale: Sold) -> bool:
        return (
            not purchase.supplier_ref
            and not self.of.get(purchase.id)
            and purchase.sku_ref == sale.row["goods"]
            and purchase.quantity == sale.row["quantity"]
            and self._same_inputs(purchase, sale)
            and self._simulator(purchase) == sale.stand.simulator.name
        )

    def _same_inputs(self, purchase: Bought, sale: Sold) -> bool:
        stand = self._stands.get(purchase.connection_id)
        there = set(sale.row["inputs"].values())
        if stand and purchase.kind == "card" and not stand.stall.keeps_inputs:
            return not there
        return bool(there) and set(purchase.inputs.values()) >= there

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
