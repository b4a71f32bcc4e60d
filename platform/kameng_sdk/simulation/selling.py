"""One sale at a simulated supplier: what is asked, what was decided, the row, the delivery."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass

from kameng_sdk.money import Money
from kameng_sdk.simulation.lies import Lies
from kameng_sdk.simulation.sales import Card, Refusal, Refused, new_card, new_ref
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.store import Row, Store
from kameng_sdk.suppliers import OfferKind

FOREVER_S = 10**9
SLOW_S = 30
FAILS_AFTER_MS = 600
ONE_YUAN = 10_000
# By the last two digits of the account; the table stands in `warehouse`.
FATES = {"90": "halved", "91": "failed", "93": "stuck", "99": "owed"}
WAITS = {"93": FOREVER_S, "94": SLOW_S}
CARDS_MORE = {"fewer": -1, "partial": -1, "more": 1}
REFUSED_ACCOUNT, HIDDEN_ACCOUNT = "92", "97"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a buyer asks for; ``cap`` is for all of it."""

    number: str
    ref: str
    quantity: int
    inputs: Mapping[str, str]
    cap: Money | None
    notify_url: str

    @property
    def ending(self) -> str:
        """The last two digits of the account to top up, or ""."""
        account = next(iter(self.inputs.values()), "")
        return account[-2:] if account.isdecimal() and len(account) > 4 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of a wish that is allowed."""

    lie: str
    fate: str
    wait_s: float
    hidden: int
    hidden_s: float


def decide(wish: Wish, article: Goods | None, store: Store, lies: Lies) -> Plan:
    """By the account's ending, else by chance."""
    cards = article is not None and article.kind is OfferKind.CARD
    settings, ending = store.settings(), wish.ending
    lie = lies.about_sale(cards=cards)
    if lie == "partial" and wish.quantity == 1:
        lie = ""  # a part of one is all or nothing
    hidden = ending == HIDDEN_ACCOUNT or bool(lies.about_query())
    wait_ms = int(settings["card_ms" if cards else "top_up_ms"])
    if lie == "late_failure":
        # Or it would have failed before anybody had seen it processing.
        wait_ms = max(wait_ms, FAILS_AFTER_MS)
    return Plan(
        lie=lie,
        fate=FATES.get(ending, "failed" if lie == "late_failure" else "done"),
        wait_s=WAITS.get(ending, wait_ms / 1000),
        hidden=int(settings["hide_queries"]) if hidden else 0,
        hidden_s=int(settings["hide_ms"]) / 1000 if hidden else 0,
    )


def check(wish: Wish, article: Goods | None) -> Goods:
    """The goods, if they can be sold so. Raises `Refused`."""
    if article is None:
        raise Refused(Refusal.NO_GOODS)
    if not article.on_sale:
        raise Refused(Refusal.OFF_SHELF)
    most = wish.quantity if article.maximum is None else article.maximum
    if not max(1, article.minimum) <= wish.quantity <= most:
        raise Refused(Refusal.BAD_INPUT, "quantity")
    missing = [f.name for f in article.fields if f.required and not wish.inputs.get(f.name)]
    if missing or wish.ending == REFUSED_ACCOUNT:
        raise Refused(Refusal.BAD_INPUT, ", ".join(missing) or "account")
    if article.stock is not None and article.stock < wish.quantity:
        raise Refused(Refusal.OUT_OF_STOCK)
    return article


def price(wish: Wish, article: Goods, lie: str) -> int:
    """What is taken for it, in units. Raises `Refused` above the cap."""
    honest = article.cost * wish.quantity
    if wish.cap is None:
        return honest.amount
    if lie == "above_cap":
        return max(honest, wish.cap).amount + ONE_YUAN
    if honest > wish.cap:
        raise Refused(Refusal.ABOVE_CAP)
    return honest.amount


def record(
    connection: sqlite3.Connection, wish: Wish, article: Goods, plan: Plan, taken: int
) -> str:
    """The order's row and the money for it; gives its number. Raises `Refused` (no_balance)."""
    (left,) = connection.execute("SELECT units FROM purse").fetchone()
    if left < taken:
        raise Refused(Refusal.NO_BALANCE)
    now = time.time()
    values = {
        "ref": new_ref(), "number": wish.number, "goods": article.ref, "name": article.name,
        "kind": article.kind.value, "quantity": wish.quantity,
        "inputs": json.dumps(dict(wish.inputs)), "unit": article.cost.amount,
        "taken": taken, "notify_url": wish.notify_url, "fate": plan.fate, "lie": plan.lie,
        "created_at": now, "due_at": now + plan.wait_s, "hidden": plan.hidden,
        "hidden_until": now + plan.hidden_s,
    }  # fmt: skip
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO orders ({names}) VALUES ({marks})", (*values.values(),))
    connection.execute("UPDATE purse SET units = units - ?", (taken,))
    return str(values["ref"])


def deliver(connection: sqlite3.Connection, row: Row, lies: Lies) -> None:
    """Make the cards of an order, as its lie wants them."""
    if row["kind"] != OfferKind.CARD.value:
        return
    lie = row["lie"]
    cards = [new_card() for _ in range(row["quantity"] + CARDS_MORE.get(lie, 0))]
    if lie == "duplicate_card":
        sold = connection.execute("SELECT number, code FROM cards ORDER BY id LIMIT 1").fetchone()
        if sold is None:
            lie = ""  # nothing was sold before
        else:
            cards[0] = Card(sold["number"], sold["code"])
    if lie in {*CARDS_MORE, "duplicate_card"}:
        lies.tell(lie, connection)
    connection.executemany(
        "INSERT INTO cards (parent, number, code) VALUES (?, ?, ?)",
        [(row["ref"], card.number, card.code) for card in cards],
    )
