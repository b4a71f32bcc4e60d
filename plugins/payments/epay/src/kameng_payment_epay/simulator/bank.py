"""What happens to the simulated money: orders, payments, late payments and refunds."""

import secrets
import time
from dataclasses import dataclass
from sqlite3 import Connection

from .store import Row, Store


class Refused(Exception):
    """The gateway says no; the text goes to the merchant."""


class NoSuchOrder(Refused):
    """Neither our number nor the merchant's names an order."""

    def __init__(self) -> None:
        super().__init__("订单号不存在")


@dataclass(frozen=True, slots=True)
class NewOrder:
    version: str
    pid: str
    type: str
    out_trade_no: str
    notify_url: str
    return_url: str
    name: str
    fen: int
    param: str


class Bank:
    """Every public method is one transaction."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def open_order(self, new: NewOrder) -> Row:
        """The same number again gives the same order, unless it asks for another amount."""
        with self.store.write() as db:
            db.execute(
                "INSERT OR IGNORE INTO orders (trade_no, version, pid, type, out_trade_no,"
                " notify_url, return_url, name, fen, param, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(_number(), new.version, new.pid, new.type, new.out_trade_no),
                    *(new.notify_url, new.return_url, new.name, new.fen, new.param, time.time()),
                ),
            )
            order = self._by_out_trade_no(db, new.out_trade_no)
            if order["fen"] != new.fen:
                raise Refused("订单号已存在，金额不一致")
            return order

    def order(self, trade_no: str) -> Row:
        found = self.store.row(
            "SELECT * FROM orders WHERE trade_no = ? OR trade_no ="
            " (SELECT order_no FROM payments WHERE trade_no = ?)",
            trade_no,
            trade_no,
        )
        if found is None:
            raise NoSuchOrder
        return found

    def find(self, trade_no: str, out_trade_no: str) -> Row:
        if trade_no:
            return self.order(trade_no)
        found = self.store.row("SELECT * FROM orders WHERE out_trade_no = ?", out_trade_no)
        if found is None:
            raise NoSuchOrder
        return found

    def payments(self, order_no: str) -> list[Row]:
        return self.store.rows(
            "SELECT * FROM payments WHERE order_no = ? ORDER BY paid_at, trade_no", order_no
        )

    def pay(self, trade_no: str, *, payments: int = 1, notices: int = 1) -> None:
        """Collect money. A second payment of one order gets its own trade number."""
        with self.store.write() as db:
            order = _one(db, "SELECT * FROM orders WHERE trade_no = ?", trade_no)
            paid = db.execute("SELECT 1 FROM payments WHERE order_no = ?", (trade_no,)).fetchall()
            if order["state"] == "closed":
                raise Refused("订单已关闭")
            if paid and payments == 1:
                raise Refused("订单已支付")
            for number in range(len(paid), len(paid) + payments):
                self._collect(db, order, first=number == 0, notices=notices)
            db.execute("UPDATE orders SET state = 'open' WHERE trade_no = ?", (trade_no,))
            db.execute("DELETE FROM late_payments WHERE order_no = ?", (trade_no,))

    def _collect(self, db: Connection, order: Row, *, first: bool, notices: int) -> None:
        number = order["trade_no"] if first else _number()
        db.execute(
            "INSERT INTO payments (trade_no, order_no, paid_at, fen) VALUES (?, ?, ?, ?)",
            (number, order["trade_no"], time.time(), order["fen"]),
        )
        _add_notices(db, number, notices)

    def notify_again(self, trade_no: str, times: int) -> int:
        """Queue each notice of the order `times` times more; returns how many were queued."""
        with self.store.write() as db:
            numbers = db.execute(
                "SELECT trade_no FROM payments WHERE order_no = ? OR trade_no = ?",
                (trade_no, trade_no),
            ).fetchall()
            for row in numbers:
                _add_notices(db, row["trade_no"], times)
            return len(numbers) * times

    def refuse(self, trade_no: str) -> None:
        self._set_state(trade_no, "refused")

    def close(self, trade_no: str) -> None:
        self._set_state(trade_no, "closed")

    def _set_state(self, trade_no: str, state: str) -> None:
        with self.store.write() as db:
            if db.execute("SELECT 1 FROM payments WHERE order_no = ?", (trade_no,)).fetchone():
                raise Refused("订单已支付")
            db.execute("UPDATE orders SET state = ? WHERE trade_no = ?", (state, trade_no))
            db.execute("DELETE FROM late_payments WHERE order_no = ?", (trade_no,))

    def pay_later(self, trade_no: str, seconds: int) -> None:
        with self.store.write() as db:
            if db.execute("SELECT 1 FROM payments WHERE order_no = ?", (trade_no,)).fetchone():
                raise Refused("订单已支付")
            db.execute(
                "INSERT OR REPLACE INTO late_payments VALUES (?, ?)",
                (trade_no, time.time() + seconds),
            )

    def pay_what_is_due(self) -> None:
        """Called by the courier; a late payment survives a restart since it is a row."""
        for row in self.store.rows("SELECT * FROM late_payments WHERE due_at <= ?", time.time()):
            try:
                self.pay(row["order_no"])
            except Refused:
                with self.store.write() as db:
                    db.execute("DELETE FROM late_payments WHERE order_no = ?", (row["order_no"],))

    def refund(self, order_no: str, trade_no: str, fen: int, out_refund_no: str | None) -> Row:
        """Give back from one payment. The same refund number again answers the first refund."""
        with self.store.write() as db:
            if out_refund_no:
                old = db.execute(
                    "SELECT * FROM refunds WHERE out_refund_no = ?", (out_refund_no,)
                ).fetchone()
                if old is not None:
                    return _same_refund(old, fen)
            payment = _refundable(db, order_no, trade_no, fen)
            db.execute(
                "UPDATE payments SET refunded_fen = refunded_fen + ? WHERE trade_no = ?",
                (fen, payment["trade_no"]),
            )
            number = "R" + _number()
            db.execute(
                "INSERT INTO refunds VALUES (?, ?, ?, ?, ?)",
                (number, out_refund_no, payment["trade_no"], fen, time.time()),
            )
            return _one(db, "SELECT * FROM refunds WHERE refund_no = ?", number)

    @staticmethod
    def _by_out_trade_no(db: Connection, out_trade_no: str) -> Row:
        return _one(db, "SELECT * FROM orders WHERE out_trade_no = ?", out_trade_no)


def _same_refund(old: Row, fen: int) -> Row:
    if old["fen"] != fen:
        raise Refused("退款单号已存在，金额不一致")
    return old


def _refundable(db: Connection, order_no: str, trade_no: str, fen: int) -> Row:
    found = db.execute(
        "SELECT * FROM payments WHERE order_no = ? AND (? = '' OR trade_no = ?)"
        " AND fen - refunded_fen >= ? ORDER BY paid_at, trade_no LIMIT 1",
        (order_no, trade_no, trade_no, fen),
    ).fetchone()
    if found is None:
        raise Refused("可退款金额不足")
    row: Row = found
    return row


def _add_notices(db: Connection, trade_no: str, times: int) -> None:
    db.executemany(
        "INSERT INTO callbacks (subject, due_at) VALUES (?, ?)", [(trade_no, time.time())] * times
    )


def _one(db: Connection, sql: str, *args: object) -> Row:
    row: Row | None = db.execute(sql, args).fetchone()
    if row is None:
        raise NoSuchOrder
    return row


def _number() -> str:
    """Digits with the time in front, as real gateways make them."""
    return time.strftime("%Y%m%d%H%M%S") + f"{secrets.randbelow(10**10):010d}"
