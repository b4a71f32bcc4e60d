"""The methods: what Alipay answers to what it is asked."""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from datetime import date

from kameng_payment_alipay.times import beijing_time
from kameng_sdk.money import Money

from .bank import Bank, NewOrder, NoSuchTrade, Refused, is_closed
from .bills import lines_of
from .keys import Keys
from .store import Row
from .transfers import Transfers, amount_text

Biz = Mapping[str, object]
Params = Mapping[str, str]
Answer = dict[str, object]

NUMBER = re.compile(r"[A-Za-z0-9_]{1,64}")
FORBIDDEN = re.compile(r"[/=&]")
OPEN_SECONDS = 15 * 86_400
LINK_SECONDS = 30


class Trades:
    """Business of the simulated Alipay. Every method raises `Refused`."""

    def __init__(self, bank: Bank, transfers: Transfers, keys: Keys, base_url: str) -> None:
        self._bank = bank
        self._transfers = transfers
        self._keys = keys
        self._base_url = base_url

    def arrive(self, kind: str, biz: Biz, params: Params) -> Row:
        """Page and mobile page: the trade begins when the shopper is there."""
        return self._open(kind, biz, params, begun=True)

    def precreate(self, biz: Biz, params: Params) -> Answer:
        order = self._open("qr", biz, params, begun=False)
        code = f"{self._base_url}/qr/{order['trade_no']}"
        return {"out_trade_no": order["out_trade_no"], "qr_code": code}

    def _open(self, kind: str, biz: Biz, params: Params, *, begun: bool) -> Row:
        number, subject = _text(biz, "out_trade_no"), _text(biz, "subject")
        if not NUMBER.fullmatch(number) or FORBIDDEN.search(subject) or len(subject) > 256:
            raise _wrong("out_trade_no 或 subject 不合法")
        expires = beijing_time(str(biz.get("time_expire", "")))
        return self._bank.open_order(
            NewOrder(
                kind=kind,
                out_trade_no=number,
                notify_url=params.get("notify_url", ""),
                return_url=params.get("return_url", ""),
                subject=subject,
                fen=_fen(biz, "total_amount"),
                expires_at=expires.timestamp() if expires else time.time() + OPEN_SECONDS,
                begun=begun,
            )
        )

    def query(self, biz: Biz, params: Params) -> Answer:
        order, first = self._trade(biz)
        status, paid_at = _status(order, first), first["paid_at"] if first else None
        facts: Answer = {
            **_names(order, first),
            "trade_status": status,
            "total_amount": _yuan(order["fen"]),
            "buyer_pay_amount": _yuan(order["fen"] if first else 0),
            "receipt_amount": _yuan(order["fen"] if first else 0),
            "point_amount": "0.00",
            "invoice_amount": "0.00",
        }
        return facts | ({"send_pay_date": _time(paid_at)} if paid_at else {})

    def close(self, biz: Biz, params: Params) -> Answer:
        order, _ = self._trade(biz)
        self._bank.close(order["trade_no"])
        return _names(order, None)

    def refund(self, biz: Biz, params: Params) -> Answer:
        order, payment = self._trade(biz)
        fen = _fen(biz, "refund_amount")
        if payment is None:
            raise Refused("ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
        number = str(biz.get("out_request_no") or "")
        if not number and fen != payment["fen"]:
            raise _wrong("部分退款要有 out_request_no")
        number = number or str(order["out_trade_no"])
        row, moved = self._bank.refund(payment["trade_no"], fen, number)
        return {
            **_names(order, payment),
            "buyer_user_id": BUYER,
            "fund_change": "Y" if moved else "N",
            "gmt_refund_pay": _time(row["created_at"]),
            "refund_fee": _yuan(row["total_fen"]),  # all that has gone back so far
            "send_back_fee": _yuan(fen if moved else 0),
        }

    def refund_query(self, biz: Biz, params: Params) -> Answer:
        """Code 10000 with nothing in it when there is no such refund."""
        order, payment = self._trade(biz)
        row = self._bank.store.row(
            "SELECT * FROM refunds WHERE trade_no = ? AND out_request_no = ?",
            payment["trade_no"] if payment else "",
            _text(biz, "out_request_no"),
        )
        if row is None:
            return {}
        return {
            **_names(order, payment),
            "out_request_no": row["out_request_no"],
            "total_amount": _yuan(order["fen"]),
            "refund_amount": _yuan(row["fen"]),
            "refund_status": "REFUND_SUCCESS",
        }

    def bill_url(self, biz: Biz, params: Params) -> Answer:
        store, day = self._bank.store, _day(str(biz.get("bill_date", "")))
        if biz.get("bill_type") != "trade":
            raise Refused("TYPE_NOT_SUPPORTED", "此账单类型不支持下载")
        if store.setting("bill_ready") == "off" or day > _today():
            raise Refused("isp.bill_not_exist", "账单不存在")
        if not lines_of(store, day):
            raise Refused("NO_BILL_DATA", "商户在请求的账单时间内没有发生当前账单类型的业务")
        end = int(time.time()) + LINK_SECONDS
        query = f"bizDates={day:%Y%m%d}&fileId={end}.{self.link_proof(day, end)}"
        return {"bill_download_url": f"{self._base_url}/downloadBillFile.resource?{query}"}

    def link_proof(self, day: date, end: int) -> str:
        """What makes a download address hard to guess."""
        return hmac.new(
            self._keys.link_secret.encode(), f"{day} {end}".encode(), hashlib.sha256
        ).hexdigest()

    def transfer(self, biz: Biz, params: Params) -> Answer:
        payee = biz.get("payee_info")
        if not isinstance(payee, dict) or biz.get("product_code") != "TRANS_ACCOUNT_NO_PWD":
            raise Refused("INVALID_PARAMETER", "参数有误")
        row = self._transfers.send(
            _text(biz, "out_biz_no"),
            _fen(biz, "trans_amount"),
            _text(payee, "identity"),
            str(payee.get("name") or ""),
        )
        return _transfer(row) | {"trans_date": _time(row["created_at"])}

    def transfer_query(self, biz: Biz, params: Params) -> Answer:
        row = self._transfers.find(_text(biz, "out_biz_no"))
        failed = {"error_code": "PAYEE_ACC_STATUS_ERROR", "fail_reason": row["fail_reason"]}
        facts = {"trans_amount": amount_text(row), "pay_date": _time(row["created_at"])}
        return _transfer(row) | facts | (failed if row["fail_reason"] else {})

    def _trade(self, biz: Biz) -> tuple[Row, Row | None]:
        """The trade and the payment that are meant: a second payment has its own number."""
        trade_no = str(biz.get("trade_no") or "")
        order = self._bank.find(trade_no, str(biz.get("out_trade_no") or ""))
        if not order["begun"]:
            raise NoSuchTrade
        payments = self._bank.payments(order["trade_no"])
        meant = [row for row in payments if row["trade_no"] == (trade_no or order["trade_no"])]
        return order, meant[0] if meant else None


BUYER = "2088000000000001"


def _status(order: Row, payment: Row | None) -> str:
    if payment is None:
        return "TRADE_CLOSED" if is_closed(order) else "WAIT_BUYER_PAY"
    refunded = payment["refunded_fen"] == payment["fen"]
    return "TRADE_CLOSED" if refunded else "TRADE_SUCCESS"


def _names(order: Row, payment: Row | None) -> Answer:
    trade_no = payment["trade_no"] if payment else order["trade_no"]
    return {"trade_no": trade_no, "out_trade_no": order["out_trade_no"]}


def _transfer(row: Row) -> Answer:
    return {
        "out_biz_no": row["out_biz_no"],
        "order_id": row["order_id"],
        "pay_fund_order_id": row["order_id"],
        "status": row["status"],
    }


def _text(biz: Biz, name: str) -> str:
    value = str(biz.get(name) or "").strip()
    if not value:
        raise _wrong(f"缺少参数 {name}")
    return value


def _fen(biz: Biz, name: str) -> int:
    try:
        fen = Money.parse(str(biz.get(name, ""))).to_fen()
    except ValueError:
        raise _wrong(f"{name} 不正确") from None
    if fen <= 0:
        raise _wrong(f"{name} 不正确")
    return fen


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("INVAILID_ARGUMENTS", "入参不合法") from None


def _today() -> date:
    now = time.gmtime(time.time() + 8 * 3600)
    return date(now.tm_year, now.tm_mon, now.tm_mday)


def _wrong(text: str) -> Refused:
    return Refused("ACQ.INVALID_PARAMETER", text)


def _yuan(fen: int) -> str:
    return Money.from_fen(fen).format()


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds + 8 * 3600))
