"""What happens to the simulated money: orders, payments, late payments and refunds."""

import secrets
import time
from dataclasses import dataclass
from sqlite3 import Connection

from .store import Row, Store


class Refused(Exception):
    """WeChat Pay says no: HTTP status, its word, and a text for the merchant."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class NoSuchOrder(Refused):
    """No order has this number."""

    def __init__(self) -> None:
        super().__init__(404, "ORDER_NOT_EXIST", "订单不存在")


PAID = ("ORDERPAID", "该订单已支付")


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A request for an order, checked."""

    kind: str
    out_trade_no: str
    description: str
    notify_url: str
    fen: int
    openid: str
    time_expire: str


@dataclass(frozen=True, slots=True)
class NewRefund:
    """A request for a refund, checked; one of the first two is empty."""

    transaction_id: str
    out_trade_no: str
    out_refund_no: str
    fen: int
    total: int
    notify_url: str


class Bank:
    """Every public method is one transaction."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def open_order(self, new: NewOrder) -> Row:
        """The same number again gives the same order, unless it asks for something else."""
        with self.store.write() as db:
            db.execute(
                "INSERT OR IGNORE INTO orders (prepay_id, kind, out_trade_no, description,"
                " notify_url, fen, openid, time_expire, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(f"wx{_number()}", new.kind, new.out_trade_no, new.description),
                    *(new.notify_url, new.fen, new.openid, new.time_expire, time.time()),
                ),
            )
            order = _one(db, "SELECT * FROM orders WHERE out_trade_no = ?", new.out_trade_no)
            if _is_paid(db, order["prepay_id"]):
                raise Refused(400, *PAID)
            if order["state"] == "closed":
                raise Refused(400, "ORDER_CLOSED", "该订单已关闭，请重新下单")
            if (order["fen"], order["kind"]) != (new.fen, new.kind):
                raise Refused(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")
            return order

    def order(self, prepay_id: str) -> Row:
        """Raises `NoSuchOrder`."""
        return self._find("SELECT * FROM orders WHERE prepay_id = ?", prepay_id)

    def order_by_number(self, out_trade_no: str) -> Row:
        """Raises `NoSuchOrder`."""
        return self._find("SELECT * FROM orders WHERE out_trade_no = ?", out_trade_no)

    def order_of_payment(self, transaction_id: str) -> Row:
        """Raises `NoSuchOrder`."""
        sql = "SELECT o.* FROM orders o JOIN payments USING (prepay_id) WHERE transaction_id = ?"
        return self._find(sql, transaction_id)

    def _find(self, sql: str, value: str) -> Row:
        found = self.store.row(sql, value)
        if found is None:
            raise NoSuchOrder
        return found

    def payments(self, prepay_id: str) -> list[Row]:
        """All payments of an order, the first in front."""
        sql = "SELECT * FROM payments WHERE prepay_id = ? ORDER BY paid_at, rowid"
        return self.store.rows(sql, prepay_id)

    def come_back_to(self, prepay_id: str, return_url: str) -> None:
        """Where the shopper wants to go after paying."""
        if return_url.startswith(("http://", "https://")):
            with self.store.write() as db:
                sql = "UPDATE orders SET return_url = ? WHERE prepay_id = ?"
                db.execute(sql, (return_url, prepay_id))

    def pay(self, prepay_id: str, *, payments: int = 1, notices: int = 1, fen: int = 0) -> None:
        """Collect money; `fen` pretends another amount than the order's."""
        with self.store.write() as db:
            order = _one(db, "SELECT * FROM orders WHERE prepay_id = ?", prepay_id)
            paid = _is_paid(db, prepay_id)
            if order["state"] == "closed":
                raise Refused(400, "ORDER_CLOSED", "订单已关闭")
            if paid and payments == 1:
                raise Refused(400, *PAID)
            for _ in range(payments - int(paid)):
                self._collect(db, order, notices, fen or order["fen"])
            db.execute("UPDATE orders SET state = 'open' WHERE prepay_id = ?", (prepay_id,))
            db.execute("DELETE FROM late_payments WHERE prepay_id = ?", (prepay_id,))

    def _collect(self, db: Connection, order: Row, notices: int, fen: int) -> None:
        number = f"42{_number()}"
        openid = order["openid"] or f"o{secrets.token_hex(13)}"
        db.execute(
            "INSERT INTO payments (transaction_id, prepay_id, paid_at, fen, openid)"
            " VALUES (?, ?, ?, ?, ?)",
            (number, order["prepay_id"], time.time(), fen, openid),
        )
        _queue(db, f"TRANSACTION:{number}", order["prepay_id"], order["notify_url"], notices)

    def notify_again(self, prepay_id: str, times: int) -> None:
        """Queue each notice of the order, also of its refunds, `times` times more."""
        with self.store.write() as db:
            sql = "SELECT DISTINCT subject, url FROM callbacks WHERE parent = ?"
            for row in db.execute(sql, (prepay_id,)).fetchall():
                _queue(db, row["subject"], prepay_id, row["url"], times)

    def refuse(self, prepay_id: str) -> None:
        """The shopper does not pay now; he may yet."""
        self._set_state(prepay_id, "refused")

    def close(self, prepay_id: str) -> None:
        """Nobody can pay it any more. Closing what is closed is fine."""
        self._set_state(prepay_id, "closed")

    def _set_state(self, prepay_id: str, state: str) -> None:
        with self.store.write() as db:
            if _is_paid(db, prepay_id):
                raise Refused(400, *PAID)
            sql = "UPDATE orders SET state = ? WHERE prepay_id = ? AND state <> 'closed'"
            db.execute(sql, (state, prepay_id))
            db.execute("DELETE FROM late_payments WHERE prepay_id = ?", (prepay_id,))

    def pay_later(self, prepay_id: str, seconds: int) -> None:
        """Pays by itself."""
        with self.store.write() as db:
            if _is_paid(db, prepay_id):
                raise Refused(400, *PAID)
            row = (prepay_id, time.time() + seconds)
            db.execute("INSERT OR REPLACE INTO late_payments VALUES (?, ?)", row)

    def do_what_is_due(self) -> None:
        """Called by the courier; late payments and refunds survive a restart as rows."""
        for row in self.store.rows("SELECT * FROM late_payments WHERE due_at <= ?", time.time()):
            try:
                self.pay(row["prepay_id"])
            except Refused:
                with self.store.write() as db:
                    gone = "DELETE FROM late_payments WHERE prepay_id = ?"
                    db.execute(gone, (row["prepay_id"],))
        due = "status = 'PROCESSING' AND due_at <= ?"
        if self.store.row(f"SELECT 1 FROM refunds WHERE {due}", time.time()):
            with self.store.write() as db:
                rows = db.execute(f"SELECT * FROM refunds WHERE {due}", (time.time(),)).fetchall()
                for row in rows:
                    _end_refund(db, row)

    # Refunds

    def refund(self, new: NewRefund, becomes: str, seconds: int) -> Row:
        """Accept a refund of one payment. The same number again answers the first refund."""
        with self.store.write() as db:
            sql = "SELECT * FROM refunds WHERE out_refund_no = ?"
            old: Row | None = db.execute(sql, (new.out_refund_no,)).fetchone()
            if old is not None:
                if old["fen"] != new.fen:
                    raise Refused(400, "INVALID_REQUEST", "同一退款单号退款金额要一致")
                return old
            payment = _refundable(db, new)
            db.execute(
                "UPDATE payments SET refunded_fen = refunded_fen + ? WHERE transaction_id = ?",
                (new.fen, payment["transaction_id"]),
            )
            now = time.time()
            db.execute(
                "INSERT INTO refunds VALUES (?, ?, ?, ?, ?, 'PROCESSING', ?, ?, ?)",
                (
                    *(f"503{_number()}", new.out_refund_no, payment["transaction_id"], new.fen),
                    *(new.notify_url, becomes, now, now + seconds),
                ),
            )
            made = _one(db, sql, new.out_refund_no)
            if seconds == 0:
                _end_refund(db, made)
            return _one(db, sql, new.out_refund_no)


def _refundable(db: Connection, new: NewRefund) -> Row:
    payments: list[Row] = db.execute(
        "SELECT p.* FROM payments p JOIN orders USING (prepay_id)"
        " WHERE (p.transaction_id = ? OR out_trade_no = ?) ORDER BY p.paid_at, p.rowid",
        (new.transaction_id, new.out_trade_no),
    ).fetchall()
    if not payments:
        raise Refused(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    fitting = [row for row in payments if row["fen"] - row["refunded_fen"] >= new.fen]
    if payments[0]["fen"] != new.total:
        raise Refused(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
    if not fitting:
        raise Refused(400, "INVALID_REQUEST", "申请退款金额大于订单剩余金额")
    return fitting[0]


def _end_refund(db: Connection, row: Row) -> None:
    db.execute(
        "UPDATE refunds SET status = becomes, due_at = ? WHERE refund_id = ?",
        (time.time(), row["refund_id"]),
    )
    if row["becomes"] == "CLOSED":
        db.execute(
            "UPDATE payments SET refunded_fen = refunded_fen - ? WHERE transaction_id = ?",
            (row["fen"], row["transaction_id"]),
        )
    sql = (
        "SELECT prepay_id, notify_url FROM payments JOIN orders USING (prepay_id)"
        " WHERE transaction_id = ?"
    )
    order = _one(db, sql, row["transaction_id"])
    url = row["notify_url"] or order["notify_url"]
    _queue(db, f"REFUND:{row['refund_id']}", order["prepay_id"], url, 1)


def _is_paid(db: Connection, prepay_id: str) -> bool:
    sql = "SELECT 1 FROM payments WHERE prepay_id = ?"
    return db.execute(sql, (prepay_id,)).fetchone() is not None


def _queue(db: Connection, subject: str, parent: str, url: str, times: int) -> None:
    db.executemany(
        "INSERT INTO callbacks (subject, parent, url, due_at) VALUES (?, ?, ?, ?)",
        [(subject, parent, url, time.time())] * times,
    )


def _one(db: Connection, sql: str, *args: object) -> Row:
    row: Row | None = db.execute(sql, args).fetchone()
    if row is None:
        raise NoSuchOrder
    return row


def _number() -> str:
    """Digits with the time in front, as WeChat Pay makes them."""
    return time.strftime("%Y%m%d%H%M%S") + f"{secrets.randbelow(10**10):010d}"
