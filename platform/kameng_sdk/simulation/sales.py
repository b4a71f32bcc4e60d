"""What is known of one order at a simulated supplier, and how it says no."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kameng_sdk.money import Money
from kameng_sdk.simulation.store import Row
from kameng_sdk.suppliers import OfferKind

# `fate` is what an open order becomes at `due_at`: done, failed (money back), owed (failed, and
# the money is not back), halved (done, and half of the money back), stuck (never).
SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
  ref TEXT PRIMARY KEY, number TEXT NOT NULL, goods TEXT NOT NULL, name TEXT NOT NULL,
  kind TEXT NOT NULL, quantity INTEGER NOT NULL, inputs TEXT NOT NULL, unit INTEGER NOT NULL,
  taken INTEGER NOT NULL, refunded INTEGER NOT NULL DEFAULT 0
  CHECK (refunded <= taken), notify_url TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'open',
  fate TEXT NOT NULL, lie TEXT NOT NULL, created_at REAL NOT NULL, due_at REAL NOT NULL,
  hidden INTEGER NOT NULL DEFAULT 0, hidden_until REAL NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS orders_due ON orders (state, due_at);
CREATE INDEX IF NOT EXISTS orders_by_number ON orders (number);
CREATE TABLE IF NOT EXISTS cards (
  id INTEGER PRIMARY KEY, parent TEXT NOT NULL REFERENCES orders, number TEXT NOT NULL,
  code TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS cards_of ON cards (parent);
CREATE TABLE IF NOT EXISTS purse (id INTEGER PRIMARY KEY CHECK (id = 1), units INTEGER NOT NULL);
"""
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class State(Enum):
    """How an order stands."""

    WAITING = "waiting"
    """Taken, not begun."""

    PROCESSING = "processing"
    """Being worked on."""

    DONE = "done"
    """Delivered, what there is."""

    FAILED = "failed"
    """Nothing delivered; `refunded` says whether the money is back."""

    CANCELLED = "cancelled"
    """Taken back by the buyer, with the money."""

    @property
    def final(self) -> bool:
        """Whether nothing more comes by itself."""
        return self not in {State.WAITING, State.PROCESSING}


class Refusal(Enum):
    """Why nothing was done."""

    NO_GOODS = "no_goods"
    OFF_SHELF = "off_shelf"
    OUT_OF_STOCK = "out_of_stock"
    NO_BALANCE = "no_balance"
    ABOVE_CAP = "above_cap"
    BAD_INPUT = "bad_input"
    DUPLICATE = "duplicate"
    NO_ORDER = "no_order"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True)
class Card:
    """One sold card."""

    number: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order at one moment. ``cost`` is what was taken for all, ``unit`` the price of one."""

    ref: str
    number: str
    goods: str
    name: str
    kind: OfferKind
    quantity: int
    inputs: Mapping[str, str]
    unit: Money
    cost: Money
    refunded: Money
    state: State
    cards: Sequence[Card]
    notify_url: str
    created_at: float
    due_at: float
    lie: str

    def show(self) -> dict[str, Any]:
        """For the ledger of proofs, as JSON can say it. Codes in the clear: none is real."""
        return {
            "ref": self.ref,
            "number": self.number,
            "goods": self.goods,
            "kind": self.kind.value,
            "state": self.state.value,
            "quantity": self.quantity,
            "inputs": dict(self.inputs),
            "cost": self.cost.format(4),
            "refunded": self.refunded.format(4),
            "codes": [card.code for card in self.cards],
            "lie": self.lie,
            "created_at": self.created_at,
        }


class Refused(Exception):
    """No, and nothing was done; of a duplicate, ``first`` is the order with that number."""

    def __init__(self, why: Refusal, message: str = "", first: Order | None = None) -> None:
        super().__init__(message or why.value)
        self.why = why
        self.first = first


def order_from(row: Row, cards: Sequence[Row], currency: str) -> Order:
    """The order as it stands at this moment."""
    return Order(
        ref=row["ref"],
        number=row["number"],
        goods=row["goods"],
        name=row["name"],
        kind=OfferKind(row["kind"]),
        quantity=row["quantity"],
        inputs=json.loads(row["inputs"]),
        unit=Money(row["unit"], currency),
        cost=Money(row["taken"], currency),
        refunded=Money(row["refunded"], currency),
        state=_state(row),
        cards=tuple(Card(card["number"], card["code"]) for card in cards),
        notify_url=row["notify_url"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        lie=row["lie"],
    )


def _state(row: Row) -> State:
    if row["state"] != "open":
        return State(row["state"])
    begun = row["created_at"] + (row["due_at"] - row["created_at"]) / 3
    return State.PROCESSING if time.time() >= begun else State.WAITING


def new_ref() -> str:
    """A supplier's order number: time and chance, digits only."""
    return f"{time.strftime('%Y%m%d%H%M%S')}{secrets.randbelow(10**8):08d}"


def new_card() -> Card:
    """A card that was never sold before: 100 random bits."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(20))
    code = "-".join(letters[at : at + 5] for at in range(0, 20, 5))
    return Card(f"{secrets.randbelow(10**16):016d}", code)
