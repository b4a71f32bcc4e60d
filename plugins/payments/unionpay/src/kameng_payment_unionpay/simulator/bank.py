"""What happens to the simulated money: orders, payments, late payments and refunds."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import Any

from kameng_payment_unionpay.times import moment, stamp

from .store import Row, Store


class Refused(Exception):
    """The gateway says no: a code of UnionPay's and its text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class NoSuchOrder(Refused):
    """No number names an order."""

    def __init__(self) -> None:
        super().__init__("34", "查无此交易")


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as the shopper's browser brings it."""

    order_id: str
    txn_time: str
    channel: str
    fen: int
    pay_timeout: str
    front_url: str
    back_url: str
    name: str
    reserved: str


class Bank:
    """Every public method is one transaction."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def open_order(self, new: NewOrder) -> Row:
        """The same number and time again give the same order, unless the amount differs."""
        with self.store.write() as db:
            db.execute(
                "INSERT OR IGNORE INTO orders (no, order_id, txn_time, channel, fen, pay_timeout,"
                " front_url, back_url, name, reserved, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(new_number(), new.order_id, new.txn_time, new.channel, new.fen),
                    *(new.pay_timeout, new.front_url, new.back_url, new.name, new.reserved),
                    time.time(),
                ),
            )
            order = _one(
                db, "SELECT * FROM orders WHERE order_id = ? AND txn_time = ?",
                new.order_id, new.txn_time,
            )  # fmt: skip
            if order["fen"] != new.fen:
                raise Refused("12", "重复交易")
            return order

    def order(self, number: str) -> Row:
        """By its own number or a payment's. Raises `NoSuchOrder`."""
        with self.store.read() as db:
            return _one(
                db, "SELECT * FROM orders WHERE no = ? OR no ="
                " (SELECT order_no FROM payments WHERE query_id = ?)", number, number,
            )  # fmt: skip

    def find(self, order_id: str, txn_time: str = "") -> Row:
        """By the merchant's number, the newest one unless a time is given."""
        with self.store.read() as db:
            return _one(
                db, "SELECT * FROM orders WHERE order_id = ? AND ? IN ('', txn_time)"
                " ORDER BY created_at DESC LIMIT 1", order_id, txn_time,
            )  # fmt: skip

    def payments(self, order_no: str) -> list[Row]:
        """The order's own payment first, then what was paid too much."""
        return self.store.rows(
            "SELECT * FROM payments WHERE order_no = ? ORDER BY paid_at, query_id", order_no
        )

    def pay(self, number: str, *, payments: int = 1, notices: int = 1) -> None:
        """Collect money; each payment has its own query number."""
        with self.store.write() as db:
            order = _one(db, "SELECT * FROM orders WHERE no = ?", number)
            if timed_out(order):
                raise Refused("42", "订单已超时")
            if payments == 1 and _paid(db, number):
                raise Refused("12", "订单已支付")
            for _ in range(payments):
                query_id = new_number()
                db.execute(
                    "INSERT INTO payments (query_id, order_no, trace_no, paid_at, fen)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (query_id, number, query_id[-6:], time.time(), order["fen"]),
                )
                _add_notices(db, query_id, notices)
            db.execute("UPDATE orders SET state = 'open' WHERE no = ?", (number,))
            db.execute("DELETE FROM late_payments WHERE order_no = ?", (number,))

    def notify_again(self, number: str, times: int) -> int:
        """Queue the notices of an order, or of one payment, again; returns how many."""
        with self.store.write() as db:
            found = db.execute(
                "SELECT query_id FROM payments WHERE order_no = ? OR query_id = ?",
                (number, number),
            ).fetchall()
            for row in found:
                _add_notices(db, row["query_id"], times)
            return len(found) * times

    def refuse(self, number: str) -> None:
        """The card is refused; another may be tried."""
        with self.store.write() as db:
            if _paid(db, number):
                raise Refused("12", "订单已支付")
            db.execute("UPDATE orders SET state = 'refused' WHERE no = ?", (number,))
            db.execute("DELETE FROM late_payments WHERE order_no = ?", (number,))

    def pay_later(self, number: str, seconds: int) -> None:
        """By itself, if the order's time is not over by then."""
        with self.store.write() as db:
            if _paid(db, number):
                raise Refused("12", "订单已支付")
            values = (number, time.time() + seconds)
            db.execute("INSERT OR REPLACE INTO late_payments VALUES (?, ?)", values)

    def pay_what_is_due(self) -> None:
        """Called by the courier; a late payment survives a restart since it is a row."""
        for row in self.store.rows("SELECT * FROM late_payments WHERE due_at <= ?", time.time()):
            try:
                self.pay(row["order_no"])
            except Refused:
                with self.store.write() as db:
                    db.execute("DELETE FROM late_payments WHERE order_no = ?", (row["order_no"],))

    def refund(self, payment: str, order_id: str, txn_time: str, fen: int, reserved: str) -> Row:
        """Accept a refund; number and time together may be used once."""
        seconds = int(self.store.setting("refund_seconds"))
        with self.store.write() as db:
            used = "SELECT 1 FROM refunds WHERE order_id = ? AND txn_time = ?"
            if db.execute(used, (order_id, txn_time)).fetchone():
                raise Refused("12", "重复交易")
            paid = db.execute("SELECT * FROM payments WHERE query_id = ?", (payment,)).fetchone()
            if paid is None:
                raise Refused("35", "原交易不存在或状态不正确")
            if paid["fen"] - paid["refunded_fen"] < fen:
                raise Refused("36", "累计退货金额大于原交易金额")
            number, now = new_number(), time.time()
            db.execute(
                "UPDATE payments SET refunded_fen = refunded_fen + ? WHERE query_id = ?",
                (fen, payment),
            )
            db.execute(
                "INSERT INTO refunds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(number, order_id, txn_time, payment, number[-6:], reserved, fen),
                    *(self.store.setting("refund_result"), now, now + seconds),
                ),
            )
            return _one(db, "SELECT * FROM refunds WHERE query_id = ?", number)


def timed_out(order: Row | Mapping[str, Any]) -> bool:
    """Whether the order's time to be paid is over."""
    until = moment(order["pay_timeout"])
    return until is not None and time.time() > until.timestamp()


def refund_code(refund: Row) -> str:
    """How a refund stands, in UnionPay's codes."""
    if time.time() < refund["due_at"]:
        return "05"
    return "00" if refund["result"] == "done" else "30"


def new_number() -> str:
    """21 digits with the time in them, as UnionPay makes query numbers."""
    return f"95{stamp(datetime.now(UTC))[2:]}{secrets.randbelow(10**7):07d}"


def _paid(db: Connection, number: str) -> bool:
    found = db.execute("SELECT 1 FROM payments WHERE order_no = ?", (number,)).fetchone()
    return found is not None


def _add_notices(db: Connection, query_id: str, times: int) -> None:
    db.executemany(
        "INSERT INTO callbacks (subject, due_at) VALUES (?, ?)", [(query_id, time.time())] * times
    )


def _one(db: Connection, sql: str, *args: object) -> Row:
    row: Row | None = db.execute(sql, args).fetchone()
    if row is None:
        raise NoSuchOrder
    return row
