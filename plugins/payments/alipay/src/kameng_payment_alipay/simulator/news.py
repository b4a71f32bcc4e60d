"""What the simulated Alipay tells the merchant: notices, and the address back to the shop."""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from kameng_payment_alipay.signing import load_private_key, notice_text, sign
from kameng_sdk.money import Money
from kameng_sdk.simulation.courier import Callback

from .bank import Bank
from .keys import Keys
from .store import Row

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
BUYER = "2088000000000001"


class News:
    """Signed at the moment it is sent, so each copy has its own time and signature."""

    def __init__(self, bank: Bank, keys: Keys) -> None:
        self._bank = bank
        self._keys = keys

    def callback(self, row: Row) -> Callback:
        """The request for one notice of the queue."""
        order = self._bank.order(row["parent"])
        body = urlencode(self.notice(row["subject"], order)).encode()
        return Callback("POST", order["notify_url"], FORM, body)

    def notice(self, subject: str, order: Row) -> dict[str, str]:
        """`subject`: a payment's trade number, for a refund `<trade number>/<refund number>`."""
        trade_no, _, out_request_no = subject.partition("/")
        store = self._bank.store
        payment = store.row("SELECT * FROM payments WHERE trade_no = ?", trade_no)
        assert payment is not None  # its notice is queued with it
        off = 1 if store.setting("notice_amount") == "off" else 0
        total = _yuan(payment["fen"] + off)
        params = {
            "app_id": self._keys.app_id,
            "auth_app_id": self._keys.app_id,
            "charset": "utf-8",
            "version": "1.0",
            "notify_type": "trade_status_sync",
            "notify_id": hashlib.md5(subject.encode(), usedforsecurity=False).hexdigest(),
            "notify_time": _time(time.time()),
            "trade_no": trade_no,
            "out_trade_no": order["out_trade_no"],
            "trade_status": "TRADE_SUCCESS",
            "total_amount": total,
            "receipt_amount": total,
            "buyer_pay_amount": total,
            "subject": order["subject"],
            "seller_id": self._keys.seller_id,
            "buyer_id": BUYER,
            "gmt_create": _time(order["created_at"]),
            "gmt_payment": _time(payment["paid_at"]),
            "fund_bill_list": json.dumps([{"amount": total, "fundChannel": "ALIPAYACCOUNT"}]),
        }
        if out_request_no:
            params |= self._of_refund(payment, out_request_no)
        return self._signed(params)

    def _of_refund(self, payment: Row, out_request_no: str) -> dict[str, str]:
        """A part leaves the trade a success; with the last part it is closed."""
        row = self._bank.store.row(
            "SELECT * FROM refunds WHERE trade_no = ? AND out_request_no = ?",
            payment["trade_no"],
            out_request_no,
        )
        assert row is not None  # its notice is queued with it
        whole = row["total_fen"] == payment["fen"]
        return {
            "trade_status": "TRADE_CLOSED" if whole else "TRADE_SUCCESS",
            "out_biz_no": out_request_no,
            "refund_fee": _yuan(row["total_fen"]),
            "gmt_refund": f"{_time(row['created_at'])}.000",
        }

    def _signed(self, params: Mapping[str, str]) -> dict[str, str]:
        text, lever = notice_text(params), self._bank.store.setting("notice_sign")
        if lever == "rsa":
            key = load_private_key(self._keys.alipay_private)
            old = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA1())
            return {**params, "sign_type": "RSA", "sign": base64.b64encode(old).decode()}
        wrong = " " if lever == "wrong" else ""
        return {
            **params,
            "sign_type": "RSA2",
            "sign": sign(text + wrong, self._keys.alipay_private),
        }

    def return_url(self, order: Row | Mapping[str, Any]) -> str:
        """Where the shopper goes after paying: signed, and yet never a proof of payment."""
        if not order["return_url"]:
            return ""
        params = {
            "charset": "utf-8",
            "out_trade_no": order["out_trade_no"],
            "method": f"alipay.trade.{order['kind']}.pay.return",
            "total_amount": _yuan(order["fen"]),
            "trade_no": order["trade_no"],
            "auth_app_id": self._keys.app_id,
            "version": "1.0",
            "app_id": self._keys.app_id,
            "seller_id": self._keys.seller_id,
            "timestamp": _time(time.time()),
        }
        signature = sign(notice_text(params), self._keys.alipay_private)
        query = urlencode({**params, "sign_type": "RSA2", "sign": signature})
        url = str(order["return_url"])
        return f"{url}{'&' if urlsplit(url).query else '?'}{query}"


def _yuan(fen: int) -> str:
    return Money.from_fen(fen).format()


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds + 8 * 3600))
