"""What a simulated supplier sells: named in code; cost, stock and sale are moved by levers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from werkzeug.exceptions import BadRequest, NotFound

from kameng_sdk.money import Money
from kameng_sdk.simulation.store import Row, Store
from kameng_sdk.suppliers import OfferField, OfferKind

SCHEMA = """
CREATE TABLE IF NOT EXISTS goods (
  ref TEXT PRIMARY KEY, cost INTEGER NOT NULL, stock INTEGER CHECK (stock >= 0),
  on_sale INTEGER NOT NULL);
"""
FLAGS = {"on": True, "off": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One article at ``cost`` each; ``category`` is a path with " / ", ``stock`` None is endless.

    The first of ``fields`` is the account to top up.
    """

    ref: str
    name: str
    category: str
    cost: Money
    kind: OfferKind = OfferKind.CARD
    stock: int | None = None
    on_sale: bool = True
    minimum: int = 1
    maximum: int | None = None
    fields: tuple[OfferField, ...] = ()

    def show(self) -> dict[str, object]:
        """For the levers, as JSON can say it."""
        return {
            "ref": self.ref,
            "name": self.name,
            "kind": self.kind.value,
            "cost": self.cost.format(4),
            "stock": self.stock,
            "on_sale": self.on_sale,
        }


class Shelf:
    """All articles in the order in which the plugin names them."""

    def __init__(self, store: Store, goods: Iterable[Goods]) -> None:
        self._store = store
        self._goods = {article.ref: article for article in goods}
        with store.write() as connection:
            for article in self._goods.values():
                connection.execute(
                    "INSERT OR IGNORE INTO goods VALUES (?, ?, ?, ?)",
                    (article.ref, article.cost.amount, article.stock, article.on_sale),
                )

    def all(self) -> list[Goods]:
        """Each as it stands now."""
        rows = {row["ref"]: row for row in self._store.rows("SELECT * FROM goods")}
        return [_as_moved(article, rows[ref]) for ref, article in self._goods.items()]

    def find(self, ref: str) -> Goods | None:
        """One as it stands now, or None."""
        with self._store.read() as connection:
            return self.within(connection, ref)

    def within(self, connection: sqlite3.Connection, ref: str) -> Goods | None:
        """The same inside somebody's transaction."""
        row = connection.execute("SELECT * FROM goods WHERE ref = ?", (ref,)).fetchone()
        return _as_moved(self._goods[ref], row) if row and ref in self._goods else None

    def take(self, connection: sqlite3.Connection, ref: str, quantity: int) -> None:
        """Take so many off, or put them back when negative; endless stock stays endless."""
        connection.execute("UPDATE goods SET stock = stock - ? WHERE ref = ?", (quantity, ref))

    def change(self, ref: str, params: Mapping[str, str]) -> Goods:
        """Lever: `cost` (decimal), `stock` (number, or `endless`), `on_sale` (on, off).

        Raises `NotFound` and `BadRequest`.
        """
        article = self.find(ref)
        if article is None:
            raise NotFound("no such goods")
        moved = _moved(article, params)
        with self._store.write() as connection:
            connection.execute(
                "UPDATE goods SET cost = ?, stock = ?, on_sale = ? WHERE ref = ?",
                (moved.cost.amount, moved.stock, moved.on_sale, ref),
            )
        return moved


def _as_moved(article: Goods, row: Row) -> Goods:
    cost = Money(row["cost"], article.cost.currency)
    return replace(article, cost=cost, stock=row["stock"], on_sale=bool(row["on_sale"]))


def _moved(article: Goods, params: Mapping[str, str]) -> Goods:
    try:
        for name, value in params.items():
            match name:
                case "cost":
                    article = replace(article, cost=Money.parse(value, article.cost.currency))
                case "stock":
                    article = replace(article, stock=None if value == "endless" else _count(value))
                case "on_sale":
                    article = replace(article, on_sale=FLAGS[value])
                case _:
                    raise KeyError(name)
    except (KeyError, ValueError):
        raise BadRequest(f"goods have no such setting or value: {json.dumps(params)}") from None
    return article


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(text)
    return int(text)
