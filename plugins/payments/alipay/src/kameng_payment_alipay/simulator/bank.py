"""What happens to the simulated money: trades, payments, late payments and refunds."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from .store import Row, Store


class Refused(Exception):
    """Alipay says no: a sub-code, and a text for the merchant. ``signed`` like all but the first
    checks of a request."""

    def __init__(
        self, sub_code: str, text: str, code: str = "40004", *, signed: bool = True
    ) -> None:
        super().__init__(text)
        self.sub_code, self.text, self.code, self.signed = sub_code, text, code, signed


class NoSuchTrade(Refused):
    """Neither number names a trade."""

    def __init__(self) -> None:
        super().__init__("ACQ.TRADE_NOT_EXIST", "交易不存在")


@dataclass(frozen=True, slots=True)
class NewOrder:
    kind: str
    out_trade_no: str
    notify_url: str
    return_url: str
    subject: str
    fen: int
    expires_at: float
    begun: bool


class Bank:
    """Every public method is one transaction."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def open_order(self, new: NewOrder) -> Row:
        """The same number again gives the same order, unless it asks for something else."""
        with self.store.write() as db:
            db.execute(
                "INSERT OR IGNORE INTO orders (trade_no, kind, out_trade_no, notify_url,"
                " return_url, subject, fen, begun, expires_at, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(number(), new.kind, new.out_trade_no, new.notify_url, new.return_url),
                    *(new.subject, new.fen, new.begun, new.expires_at, time.time()),
                ),
            )
            order = _one(db, "SELECT * FROM orders WHERE out_trade_no = ?", new.out_trade_no)
            if order["fen"] != new.fen or order["subject"] != new.subject:
                raise Refused("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改")
            paid = "SELECT 1 FROM payments WHERE order_no = ?"
            # A browser that comes again sees on the page how things stand.
            if not new.begun and db.execute(paid, (order["trade_no"],)).fetchone():
                raise Refused("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
            if not new.begun and is_closed(order):
                raise Refused("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
            return order

    def begin(self, trade_no: str) -> None:
        """The shopper has scanned the code: the trade exists from now on."""
        with self.store.write() as db:
            db.execute("UPDATE orders SET begun = 1 WHERE trade_no = ?", (trade_no,))

    def order(self, trade_no: str) -> Row:
        found = self.store.row(
            "SELECT * FROM orders WHERE trade_no = ? OR trade_no ="
            " (SELECT order_no FROM payments WHERE trade_no = ?)",
            trade_no,
            trade_no,
        )
        if found is None:
            raise NoSuchTrade
        return found

    def find(self, trade_no: str, out_trade_no: str) -> Row:
        """Alipay's number goes first, when both are given."""
        if trade_no:
            return self.order(trade_no)
        found = self.store.row("SELECT * FROM orders WHERE out_trade_no = ?", out_trade_no)
        if found is None:
            raise NoSuchTrade
        return found

    def payments(self, order_no: str) -> list[Row]:
        return self.store.rows(
            "SELECT * FROM payments WHERE order_no = ? ORDER BY paid_at, trade_no", order_no
        )

    def pay(
        self, trade_no: str, *, payments: int = 1, notices: int = 1, late: bool = False
    ) -> None:
        """Collect money. A second payment of one order gets its own trade number."""
        with self.store.write() as db:
            order = _one(db, "SELECT * FROM orders WHERE trade_no = ?", trade_no)
            paid = db.execute("SELECT 1 FROM payments WHERE order_no = ?", (trade_no,)).fetchall()
            if order["state"] == "closed" or (is_closed(order) and not late and not paid):
                raise Refused("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
            if paid and payments == 1:
                raise Refused("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
            for count in range(len(paid), len(paid) + payments):
                self._collect(db, order, first=count == 0, notices=notices)
            db.execute(
                "UPDATE orders SET state = 'open', begun = 1 WHERE trade_no = ?", (trade_no,)
            )
            db.execute("DELETE FROM late_payments WHERE order_no = ?", (trade_no,))

    def _collect(self, db: Connection, order: Row, *, first: bool, notices: int) -> None:
        own = order["trade_no"] if first else number()
        db.execute(
            "INSERT INTO payments (trade_no, order_no, paid_at, fen) VALUES (?, ?, ?, ?)",
            (own, order["trade_no"], time.time(), order["fen"]),
        )
        _add_notices(db, own, order["trade_no"], notices)

    def notify_again(self, trade_no: str, times: int) -> int:
        """Queue each notice of the order `times` times more; returns how many were queued."""
        with self.store.write() as db:
            found = db.execute(
                "SELECT DISTINCT subject, parent FROM callbacks WHERE parent = ? OR subject = ?",
                (trade_no, trade_no),
            ).fetchall()
            for row in found:
                _add_notices(db, row["subject"], row["parent"], times)
            return len(found) * times

    def refuse(self, trade_no: str) -> None:
        self._set_state(trade_no, "refused")

    def close(self, trade_no: str) -> None:
        self._set_state(trade_no, "closed")

    def _set_state(self, trade_no: str, state: str) -> None:
        with self.store.write() as db:
            if db.execute("SELECT 1 FROM payments WHERE order_no = ?", (trade_no,)).fetchone():
                raise Refused("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
            db.execute("UPDATE orders SET state = ? WHERE trade_no = ?", (state, trade_no))
            db.execute("DELETE FROM late_payments WHERE order_no = ?", (trade_no,))

    def pay_later(self, trade_no: str, seconds: int) -> None:
        with self.store.write() as db:
            if db.execute("SELECT 1 FROM payments WHERE order_no = ?", (trade_no,)).fetchone():
                raise Refused("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
            db.execute(
                "INSERT OR REPLACE INTO late_payments VALUES (?, ?)",
                (trade_no, time.time() + seconds),
            )
            db.execute("UPDATE orders SET begun = 1 WHERE trade_no = ?", (trade_no,))

    def pay_what_is_due(self) -> None:
        """Called by the courier; a late payment survives a restart since it is a row."""
        for row in self.store.rows("SELECT * FROM late_payments WHERE due_at <= ?", time.time()):
            try:
                self.pay(row["order_no"], late=True)
            except Refused:
                with self.store.write() as db:
                    db.execute("DELETE FROM late_payments WHERE order_no = ?", (row["order_no"],))

    def refund(self, payment_no: str, fen: int, out_request_no: str) -> tuple[Row, bool]:
        """The refund, and whether money has moved: the same number again moves nothing."""
        find = "SELECT * FROM refunds WHERE trade_no = ? AND out_request_no = ?"
        with self.store.write() as db:
            old: Row | None = db.execute(find, (payment_no, out_request_no)).fetchone()
            if old is not None:
                if old["fen"] != fen:
                    raise Refused("ACQ.DISCORDANT_REPEAT_REQUEST", "请求信息不一致")
                return old, False
            payment = _one(db, "SELECT * FROM payments WHERE trade_no = ?", payment_no)
            total = payment["refunded_fen"] + fen
            if payment["refunded_fen"] == payment["fen"]:
                raise Refused("ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
            if total > payment["fen"]:
                raise Refused("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限")
            db.execute(
                "UPDATE payments SET refunded_fen = ? WHERE trade_no = ?", (total, payment_no)
            )
            db.execute(
                "INSERT INTO refunds VALUES (?, ?, ?, ?, ?)",
                (payment_no, out_request_no, fen, total, time.time()),
            )
            _add_notices(db, f"{payment_no}/{out_request_no}", payment["order_no"], 1)
            return _one(db, find, payment_no, out_request_no), True


def is_closed(order: Row | Mapping[str, Any]) -> bool:
    """By the merchant, or by its time."""
    return bool(order["state"] == "closed" or order["expires_at"] <= time.time())


def _add_notices(db: Connection, subject: str, order_no: str, times: int) -> None:
    db.executemany(
        "INSERT INTO callbacks (subject, parent, due_at) VALUES (?, ?, ?)",
        [(subject, order_no, time.time())] * times,
    )


def _one(db: Connection, sql: str, *args: object) -> Row:
    row: Row | None = db.execute(sql, args).fetchone()
    if row is None:
        raise NoSuchTrade
    return row


def number() -> str:
    """28 digits with Beijing's date in front, as Alipay makes them."""
    day = time.strftime("%Y%m%d", time.gmtime(time.time() + 8 * 3600))
    return f"{day}22001{secrets.randbelow(10**15):015d}"
