"""Money out: transfers to simulated Alipay accounts, which end as the lever `payout` says."""

import re
import time

from kameng_sdk.money import Money

from .bank import Refused, number
from .store import Row, Store

ACCOUNT = re.compile(r"1\d{10}|2088\d{12}|[^@\s]+@[^@\s]+\.[^@\s]+")
LEAST_FEN = 10


class Transfers:
    """Every public method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def send(self, out_biz_no: str, fen: int, identity: str, name: str) -> Row:
        """The same number and facts again answer the first transfer."""
        lever = self._store.setting("payout")
        with self._store.write() as db:
            old: Row | None = db.execute(
                "SELECT * FROM transfers WHERE out_biz_no = ?", (out_biz_no,)
            ).fetchone()
            if old is not None:
                if (old["fen"], old["identity"], old["name"]) != (fen, identity, name):
                    raise Refused(
                        "PAYMENT_INFO_INCONSISTENCY", "两次请求商户单号一样，但是参数不一致"
                    )
                return old
            if fen < LEAST_FEN:
                raise Refused("INVALID_PARAMETER", "参数有误，最小金额为 0.1 元")
            if lever == "decline":
                raise Refused("PAYER_BALANCE_NOT_ENOUGH", "付款方余额不足")
            if not ACCOUNT.fullmatch(identity):
                raise Refused("PAYEE_NOT_EXIST", "收款账号不存在")
            status = "DEALING" if lever == "dealing" else "SUCCESS"
            db.execute(
                "INSERT INTO transfers (out_biz_no, order_id, fen, identity, name, status,"
                " created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (out_biz_no, number(), fen, identity, name, status, time.time()),
            )
        if lever == "unknown":
            raise Refused("SYSTEM_ERROR", "系统繁忙")
        return self.find(out_biz_no)

    def find(self, out_biz_no: str) -> Row:
        found = self._store.row("SELECT * FROM transfers WHERE out_biz_no = ?", out_biz_no)
        if found is None:
            raise Refused("ORDER_NOT_EXIST", "转账订单不存在")
        return found

    def settle(self, out_biz_no: str, *, succeed: bool) -> Row:
        """End one that is under way."""
        if self.find(out_biz_no)["status"] != "DEALING":
            raise Refused("TRADE_STATUS_ERROR", "转账已经结束")
        end = ("SUCCESS", "") if succeed else ("FAIL", "收款账户状态异常")
        with self._store.write() as db:
            db.execute(
                "UPDATE transfers SET status = ?, fail_reason = ? WHERE out_biz_no = ?",
                (*end, out_biz_no),
            )
        return self.find(out_biz_no)

    def newest(self) -> list[Row]:
        return self._store.rows("SELECT * FROM transfers ORDER BY created_at DESC LIMIT 200")


def amount_text(row: Row) -> str:
    """In yuan."""
    return Money.from_fen(row["fen"]).format()
