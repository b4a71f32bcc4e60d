"""What happens to the money at the simulated gateway. It knows no protocol."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from kameng_sdk.simulation.control import as_csv
from kameng_sdk.simulation.levers import DEFAULTS
from kameng_sdk.simulation.store import Row, Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS charges (
  number TEXT PRIMARY KEY, ref TEXT NOT NULL UNIQUE, fen INTEGER NOT NULL, subject TEXT NOT NULL,
  notify_url TEXT NOT NULL, return_url TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'open',
  paid_at INTEGER);
CREATE TABLE IF NOT EXISTS refunds (
  number TEXT PRIMARY KEY, charge TEXT NOT NULL, fen INTEGER NOT NULL);
"""


class Refused(Exception):
    """No, and nothing was done."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Bank:
    """Charges and refunds; each number counts once."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path, SCHEMA, DEFAULTS)

    def open(self, asked: dict[str, Any], ref: str) -> None:
        """A charge to be paid; the same number again is the same charge."""
        if type(asked["fen"]) is not int or asked["fen"] < 1:
            raise Refused("bad_amount")
        with self.store.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO charges (number, ref, fen, subject, notify_url, return_url)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (asked["number"], ref, asked["fen"], asked["subject"], asked["notify_url"],
                 asked["return_url"]),
            )  # fmt: skip

    def find(self, number: str) -> dict[str, Any]:
        """Raises `Refused`."""
        row = self.store.row("SELECT * FROM charges WHERE number = ?", number)
        if row is None:
            raise Refused("no_order")
        return dict(row)

    def by_ref(self, ref: str) -> Row | None:
        """A charge by the gateway's own number."""
        return self.store.row("SELECT * FROM charges WHERE ref = ?", ref)

    def pay(self, number: str) -> None:
        """The shopper pays: once, and only what is open."""
        with self.store.write() as connection:
            paid = connection.execute(
                "UPDATE charges SET state = 'paid', paid_at = ?"
                " WHERE number = ? AND state = 'open'",
                (int(time.time()), number),
            )
        if paid.rowcount:
            self.announce(number)

    def announce(self, number: str) -> None:
        """Tell the shop of it."""
        with self.store.write() as connection:
            connection.execute(
                "INSERT INTO callbacks (subject, due_at) VALUES (?, ?)", (number, time.time())
            )

    def close(self, number: str) -> None:
        """It can no longer be paid."""
        with self.store.write() as connection:
            connection.execute(
                "UPDATE charges SET state = 'closed' WHERE number = ? AND state = 'open'", (number,)
            )

    def refund(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Money back, never more than was paid. Raises `Refused`."""
        charge = self.find(asked["charge"])
        if charge["state"] != "paid":
            raise Refused("not_paid")
        with self.store.write() as connection:
            given = connection.execute(
                "SELECT coalesce(sum(fen), 0) FROM refunds WHERE charge = ? AND number <> ?",
                (asked["charge"], asked["number"]),
            ).fetchone()[0]
            if given + asked["fen"] > charge["fen"]:
                raise Refused("too_much")
            connection.execute(
                "INSERT OR IGNORE INTO refunds VALUES (?, ?, ?)",
                (asked["number"], asked["charge"], asked["fen"]),
            )
        return {"refund": asked["number"], "ref": f"r{asked['number']}"}

    def orders(self, reference: str) -> dict[str, Any]:
        """For tests: the charges with a number of the shop, or all."""
        rows = self.store.rows("SELECT * FROM charges WHERE ? IN ('', number)", reference)
        return {"orders": [dict(row) for row in rows]}

    def bill(self) -> str:
        """All movements of money as CSV."""
        rows = self.store.rows(
            "SELECT 'payment', number, fen FROM charges WHERE state = 'paid'"
            " UNION ALL SELECT 'refund', number, -fen FROM refunds"
        )
        return as_csv(("kind", "number", "fen"), [tuple(row) for row in rows])
