"""What happens at a simulated supplier: sales, deliveries, money back. It knows no protocol.

The last two digits of the account to top up choose what happens, as in sandboxes of the trade:

- 90: delivered, then half of the money comes back
- 91: processing, then failed with the money back
- 92: refused at once
- 93: processing for ever
- 94: takes half a minute
- 95: done, and the answer is an HTML page
- 96: done, and the connection is cut
- 97: done, and the first questions are answered "no such order"
- 98: nothing done, and the connection is cut
- 99: failed, and the money is not back
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kameng_sdk.money import Money
from kameng_sdk.simulation import lies, sales, selling, shelf
from kameng_sdk.simulation.lies import LOST, Lies
from kameng_sdk.simulation.sales import Order, Refusal, Refused, State, order_from
from kameng_sdk.simulation.selling import Wish
from kameng_sdk.simulation.shelf import Goods, Shelf
from kameng_sdk.simulation.store import Row, Store

FIRST_BALANCE = Money(100_000 * 10_000)
ANSWERS = {"95": "html", "96": "late_success", "98": "silent"}
# How long cards and top-ups take; how often each notice is sent; whether forged ones go before it.
DEFAULTS = {
    "callbacks": "on", "latency_ms": "0", "card_ms": "0", "top_up_ms": "600",
    "callback_times": "1", "forged_callbacks": "off", **lies.DEFAULTS,
}  # fmt: skip
WORDS = {"callbacks": {"on", "off"}, "forged_callbacks": {"on", "off"}, **lies.WORDS}
MOST = {
    "latency_ms": 60_000, "card_ms": 3_600_000, "top_up_ms": 3_600_000, "callback_times": 100,
    **lies.MOST,
}  # fmt: skip
REPEATED = (
    "SELECT number, count(*) AS count FROM orders WHERE number <> ''"
    " GROUP BY number HAVING count(*) > 1 ORDER BY number"
)
FORGED = "forged"
"""The `parent` of a callback that is to carry a broken signature."""


def open_store(folder: Path) -> Store:
    """The memory of one simulated supplier."""
    schema = shelf.SCHEMA + lies.SCHEMA + sales.SCHEMA
    return Store(folder / "supplier.sqlite3", schema, DEFAULTS)


class AnswerLies(Exception):
    """The sale is as it is, and only the answer is to be this lie. `SupplierSimulator` tells it."""

    def __init__(self, lie: str) -> None:
        super().__init__(lie)
        self.lie = lie


class Warehouse:
    """Sells from a shelf for prepaid money. ``idempotent``: a number buys once, ever."""

    def __init__(
        self,
        store: Store,
        goods: Iterable[Goods],
        *,
        idempotent: bool = True,
        balance: Money = FIRST_BALANCE,
    ) -> None:
        self.store, self.lies, self.shelf = store, Lies(store), Shelf(store, goods)
        self._idempotent, self._currency = idempotent, balance.currency
        with store.write() as connection:
            connection.execute("INSERT OR IGNORE INTO purse VALUES (1, ?)", (balance.amount,))

    # What a buyer does

    def place(
        self,
        *,
        number: str,
        ref: str,
        quantity: int,
        inputs: Mapping[str, str],
        cap: Money | None = None,
        notify_url: str = "",
    ) -> Order:
        """Buy ``quantity`` of the goods ``ref`` for at most ``cap`` in all; ``number`` may be "".

        Raises `Refused`; and, for accounts that ask for it, `AnswerLies`.
        """
        wish = Wish(
            number=number, ref=ref, quantity=quantity, inputs=inputs, cap=cap,
            notify_url=notify_url,
        )  # fmt: skip
        answer = ANSWERS.get(wish.ending, "")
        if answer in LOST:
            raise AnswerLies(answer)
        placed = self._sell(wish)
        self.settle()
        if answer:
            raise AnswerLies(answer)
        return self.order(placed)

    def find(self, *, number: str = "", ref: str = "") -> Order | None:
        """The order as a buyer's question finds it: by its own number, else the buyer's."""
        self.settle()
        row = self._row(number, ref)
        return None if row is None or self._hides(row) else self._read(row)

    def cancel(self, *, number: str = "", ref: str = "") -> Order:
        """Take back an order that is not delivered. Raises `Refused` (no_order, too_late)."""
        self.settle()
        row = self._row(number, ref)
        if row is None:
            raise Refused(Refusal.NO_ORDER)
        with self.store.write() as connection:
            if not self._end(connection, row, State.CANCELLED, back=row["taken"]):
                raise Refused(Refusal.TOO_LATE)
        return self.order(row["ref"])

    def balance(self) -> Money:
        """What is left of the buyer's money."""
        self.settle()
        (row,) = self.store.rows("SELECT units FROM purse")
        return Money(row["units"], self._currency)

    # What levers do, and see

    def order(self, ref: str) -> Order:
        """One order by its own number, hidden or not. Raises `Refused`."""
        row = self._row("", ref)
        if row is None:
            raise Refused(Refusal.NO_ORDER)
        return self._read(row)

    def orders(self, number: str = "", most: int = 10_000) -> list[Order]:
        """The newest orders, or all of one buyer's number."""
        self.settle()
        chosen = "FROM orders WHERE ? IN ('', number) ORDER BY created_at DESC LIMIT ?"
        rows = self.store.rows(f"SELECT * {chosen}", number, most)
        sold = self.store.rows(
            f"SELECT * FROM cards WHERE parent IN (SELECT ref {chosen}) ORDER BY id", number, most
        )
        cards: dict[str, list[Row]] = {}
        for card in sold:
            cards.setdefault(card["parent"], []).append(card)
        return [order_from(row, cards.get(row["ref"], []), self._currency) for row in rows]

    def refund(self, ref: str, amount: Money) -> None:
        """After-sales: give so much of it back. Raises `Refused` above what is left."""
        order = self.order(ref)
        if amount > order.cost - order.refunded or amount.amount < 1:
            raise Refused(Refusal.TOO_LATE, "more than is left of it")
        with self.store.write() as connection:
            _give_back(connection, ref, amount.amount)
            self._announce(connection, ref, order.notify_url)

    def decide(self, ref: str, fate: str) -> None:
        """An open order is done, failed (money back) or owed (failed, and not back) now.

        Raises `Refused` when it is final.
        """
        if self.order(ref).state.final:
            raise Refused(Refusal.TOO_LATE, "it is final")
        with self.store.write() as connection:
            connection.execute(
                "UPDATE orders SET fate = ?, due_at = ? WHERE ref = ? AND state = 'open'",
                (fate, time.time(), ref),
            )
        self.settle()

    def change_balance(self, amount: Money) -> None:
        """So much is left."""
        with self.store.write() as connection:
            connection.execute("UPDATE purse SET units = ?", (amount.amount,))

    def notify(self, ref: str) -> None:
        """Tell the buyer once more how the order stands. Raises `Refused`."""
        order = self.order(ref)
        with self.store.write() as connection:
            self._announce(connection, ref, order.notify_url)

    def facts(self) -> dict[str, Any]:
        """What really happened, for proofs.

        ``sold`` counts delivered cards and topped-up orders, ``by_number`` numbers that bought
        more than once, ``codes_twice`` cards sold more than once, ``lies`` those that were told.
        """
        self.settle()
        rows = self.store.rows
        (sums,) = rows(
            "SELECT count(*) AS placed, coalesce(sum(taken), 0) AS taken,"
            " coalesce(sum(refunded), 0) AS refunded,"
            " count(*) FILTER (WHERE state = 'done' AND kind <> 'card') AS topped_up FROM orders"
        )
        codes = rows("SELECT count(*) AS times FROM cards GROUP BY code")
        forged = "SELECT 1 FROM callbacks WHERE parent = ? AND state = 'accepted'"
        return {
            "seed": self.store.setting("seed"),
            "placed": sums["placed"],
            "sold": sums["topped_up"] + sum(code["times"] for code in codes),
            "by_number": [dict(row) for row in rows(REPEATED)],
            "codes_twice": sum(code["times"] > 1 for code in codes),
            "taken": Money(sums["taken"], self._currency).format(4),
            "refunded": Money(sums["refunded"], self._currency).format(4),
            "balance": self.balance().format(4),
            "lies": self.lies.told(),
            "forged_accepted": len(rows(forged, FORGED)),
        }

    # Time

    def settle(self) -> None:
        """Bring every order to where it stands by now: no thread is needed for progress."""
        due = "SELECT * FROM orders WHERE state = 'open' AND due_at <= ?"
        if not self.store.rows(f"{due} LIMIT 1", time.time()):
            return
        with self.store.write() as connection:
            for row in connection.execute(due, (time.time(),)).fetchall():
                self._come_due(connection, row)

    def forget_forged(self) -> None:
        """Forged callbacks go out once: no repetition of what nobody should accept."""
        forged = "parent = ? AND state = 'waiting' AND tries > 0 AND leased_until = 0"
        if self.store.rows(f"SELECT 1 FROM callbacks WHERE {forged} LIMIT 1", FORGED):
            with self.store.write() as connection:
                connection.execute(f"UPDATE callbacks SET state = 'over' WHERE {forged}", (FORGED,))

    # Inside

    def _sell(self, wish: Wish) -> str:
        plan = selling.decide(wish, self.shelf.find(wish.ref), self.store, self.lies)
        with self.store.write() as connection:
            self._refuse_repetition(connection, wish.number)
            article = selling.check(wish, self.shelf.within(connection, wish.ref))
            taken = selling.price(wish, article, plan.lie)
            ref = selling.record(connection, wish, article, plan, taken)
            self.shelf.take(connection, article.ref, wish.quantity)
        if plan.lie in {"above_cap", "late_failure"}:
            self.lies.tell(plan.lie)
        if plan.hidden or plan.hidden_s:
            self.lies.tell("not_found_first")
        return ref

    def _refuse_repetition(self, connection: sqlite3.Connection, number: str) -> None:
        if not (number and self._idempotent):
            return
        first = connection.execute("SELECT * FROM orders WHERE number = ?", (number,)).fetchone()
        if first:
            raise Refused(Refusal.DUPLICATE, first=self._read(first))

    def _row(self, number: str, ref: str) -> Row | None:
        column, value = ("ref", ref) if ref else ("number", number)
        if not value:
            return None
        sql = f"SELECT * FROM orders WHERE {column} = ? ORDER BY created_at DESC LIMIT 1"
        return self.store.row(sql, value)

    def _read(self, row: Row) -> Order:
        cards = self.store.rows("SELECT * FROM cards WHERE parent = ? ORDER BY id", row["ref"])
        return order_from(row, cards, self._currency)

    def _hides(self, row: Row) -> bool:
        if row["hidden"] < 1 and row["hidden_until"] <= time.time():
            return False
        with self.store.write() as connection:
            connection.execute(
                "UPDATE orders SET hidden = max(0, hidden - 1) WHERE ref = ?", (row["ref"],)
            )
        return True

    def _come_due(self, connection: sqlite3.Connection, row: Row) -> None:
        match row["fate"]:
            case "failed":
                self._end(connection, row, State.FAILED, back=row["taken"])
            case "owed":
                self._end(connection, row, State.FAILED, back=0)
            case "halved":
                self._end(connection, row, State.DONE, back=row["taken"] // 2)
            case _:
                part = row["lie"] == "partial" and row["kind"] == "card"
                self._end(connection, row, State.DONE, back=row["unit"] if part else 0)

    def _end(self, connection: sqlite3.Connection, row: Row, state: State, *, back: int) -> bool:
        """The one way out of `open`; False when somebody was quicker."""
        ref = row["ref"]
        ended = connection.execute(
            "UPDATE orders SET state = ? WHERE ref = ? AND state = 'open'", (state.value, ref)
        )
        if ended.rowcount != 1:
            return False
        if state is State.DONE:
            selling.deliver(connection, row, self.lies)
        else:
            self.shelf.take(connection, row["goods"], -row["quantity"])
        _give_back(connection, ref, back)
        self._announce(connection, ref, row["notify_url"])
        return True

    def _announce(self, connection: sqlite3.Connection, ref: str, url: str) -> None:
        """Queue the notices of an order; what they say is how it stands when they leave."""
        if not url:
            return
        settings = self.store.settings()
        forged = [FORGED] if settings["forged_callbacks"] == "on" else []
        for parent in [*forged, *[""] * int(settings["callback_times"])]:
            connection.execute(
                "INSERT INTO callbacks (subject, parent, url, due_at) VALUES (?, ?, ?, ?)",
                (ref, parent, url, time.time()),
            )


def _give_back(connection: sqlite3.Connection, ref: str, units: int) -> None:
    connection.execute("UPDATE orders SET refunded = refunded + ? WHERE ref = ?", (units, ref))
    connection.execute("UPDATE purse SET units = units + ?", (units,))
