"""The machine side of the simulator: both protocol versions as a gateway answers them."""

import hmac
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from kameng_payment_epay.signing import md5_sign, md5_verify, rsa_sign, rsa_verify
from kameng_sdk.money import Money
from kameng_sdk.simulation.courier import Callback

from .bank import Bank, NewOrder, Refused
from .keys import Keys
from .store import Row

Params = Mapping[str, str]
Answer = dict[str, object]
FRESH_SECONDS = 300


class Gateway:
    """Pure protocol: parameters in, answers out. HTTP is in `app`."""

    def __init__(self, bank: Bank, keys: Keys, base_url: str) -> None:
        self._bank = bank
        self._keys = keys
        self._base_url = base_url

    def cashier_url(self, order: Row) -> str:
        return f"{self._base_url}/cashier/{order['trade_no']}"

    # Version 1

    def submit(self, params: Params) -> Row:
        """`submit.php`: the shopper's browser arrives with a signed order."""
        self._check_merchant_v1(params)
        return self._open(params, "v1")

    def mapi(self, params: Params) -> Answer:
        order = self.submit(params)
        url = self.cashier_url(order)
        answer: Answer = {"code": 1, "msg": "success", "trade_no": order["trade_no"]}
        return answer | {"payurl": url, "qrcode": url, "urlscheme": ""}

    def api(self, params: Params) -> Answer:
        """`api.php`: authenticated by the key itself, as version 1 does it."""
        if not self._right_key(params):
            raise Refused("商户密钥不正确")
        match params.get("act"):
            case "query":
                return {"code": 1, "pid": self._keys.pid, "active": 1, "money": "0.00"}
            case "order":
                order = self._bank.find(params.get("trade_no", ""), params.get("out_trade_no", ""))
                return {"code": 1, "msg": "succ"} | self._order_fields(order, params)
            case "refund":
                self._refund(params, None)
                return {"code": 1, "msg": "退款成功"}
        raise Refused("未知操作")

    def _right_key(self, params: Params) -> bool:
        given = params.get("key", "").encode()
        right = hmac.compare_digest(given, self._keys.md5_key.encode())
        return right and params.get("pid") == self._keys.pid

    def _check_merchant_v1(self, params: Params) -> None:
        if params.get("pid") != self._keys.pid:
            raise Refused("商户不存在")
        if params.get("sign_type", "MD5").upper() != "MD5":
            raise Refused("签名类型不支持")
        if not md5_verify(params, self._keys.md5_key, params.get("sign", "")):
            raise Refused("签名校验失败")

    # Version 2

    def check_merchant(self, params: Params) -> None:
        """Who calls a version 2 address must hold the merchant's private key, now."""
        if params.get("pid") != self._keys.pid:
            raise Refused("商户不存在")
        if params.get("sign_type", "RSA").upper() == "MD5":
            raise Refused("签名类型不支持")
        timestamp = params.get("timestamp", "")
        if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > FRESH_SECONDS:
            raise Refused("时间戳已过期")
        if not rsa_verify(params, self._keys.merchant_public, params.get("sign", "")):
            raise Refused("签名校验失败")

    def submit_v2(self, params: Params) -> Row:
        self.check_merchant(params)
        return self._open(params, "v2")

    def create(self, params: Params) -> Answer:
        order = self._open(params, "v2")
        pay: Answer = {"pay_type": "jump", "pay_info": self.cashier_url(order)}
        return {"trade_no": order["trade_no"]} | pay

    def query(self, params: Params) -> Answer:
        order = self._bank.find(params.get("trade_no", ""), params.get("out_trade_no", ""))
        refunded = sum(row["refunded_fen"] for row in self._bank.payments(order["trade_no"]))
        return self._order_fields(order, params) | {"refundmoney": _yuan(refunded)}

    def refund(self, params: Params) -> Answer:
        return self._refund_fields(self._refund(params, params.get("out_refund_no") or None))

    def refund_query(self, params: Params) -> Answer:
        row = self._bank.store.row(
            "SELECT * FROM refunds WHERE out_refund_no = ? OR refund_no = ?",
            params.get("out_refund_no", ""),
            params.get("refund_no", ""),
        )
        if row is None:
            raise Refused("退款单号不存在")
        return self._refund_fields(row) | {"status": 1}

    def close(self, params: Params) -> Answer:
        order = self._bank.find(params.get("trade_no", ""), params.get("out_trade_no", ""))
        self._bank.close(order["trade_no"])
        return {}

    def merchant_info(self, params: Params) -> Answer:
        return {"pid": self._keys.pid, "status": 1, "money": "0.00"}

    def signed(self, answer: Answer) -> Answer:
        full: Answer = {"code": 0, "msg": "success"} | answer
        full |= {"timestamp": str(int(time.time())), "sign_type": "RSA"}
        return full | {"sign": rsa_sign(full, self._keys.platform_private)}

    # Both

    def notice(self, trade_no: str) -> dict[str, str]:
        """Parameters of the notice about one payment, signed at this moment."""
        order = self._bank.order(trade_no)
        params = {
            "pid": order["pid"],
            "trade_no": trade_no,
            "out_trade_no": order["out_trade_no"],
            "type": order["type"],
            "name": order["name"],
            "money": _yuan(order["fen"]),
            "trade_status": "TRADE_SUCCESS",
            "param": order["param"],
        }
        if order["version"] == "v1":
            return params | {"sign": md5_sign(params, self._keys.md5_key), "sign_type": "MD5"}
        params["timestamp"] = str(int(time.time()))
        return params | {"sign": rsa_sign(params, self._keys.platform_private), "sign_type": "RSA"}

    def callback(self, row: Row) -> Callback:
        order = self._bank.order(row["subject"])
        return Callback("GET", with_query(order["notify_url"], self.notice(row["subject"])))

    def return_url(self, order: Row | Mapping[str, Any]) -> str:
        """Where the shopper goes after paying; like real gateways with the signed notice."""
        return with_query(order["return_url"], self.notice(order["trade_no"]))

    def _open(self, params: Params, version: str) -> Row:
        return self._bank.open_order(
            NewOrder(
                version=version,
                pid=self._keys.pid,
                type=_needed(params, "type"),
                out_trade_no=_needed(params, "out_trade_no"),
                notify_url=_address(params, "notify_url"),
                return_url=_address(params, "return_url"),
                name=_needed(params, "name"),
                fen=_fen(params.get("money", "")),
                param=params.get("param", ""),
            )
        )

    def _refund(self, params: Params, out_refund_no: str | None) -> Row:
        trade_no, out_trade_no = params.get("trade_no", ""), params.get("out_trade_no", "")
        order = self._bank.find(trade_no, out_trade_no)
        fen = _fen(params.get("money", ""))
        return self._bank.refund(order["trade_no"], trade_no, fen, out_refund_no)

    def _order_fields(self, order: Row, asked: Params) -> Answer:
        payments = self._bank.payments(order["trade_no"])
        # The order's own number belongs to the first payment; who names another is told of that.
        named = [row for row in payments if row["trade_no"] == asked.get("trade_no")]
        first = next(iter(named or payments), None)
        refunded = first is not None and first["refunded_fen"] == first["fen"]
        return {
            "trade_no": first["trade_no"] if named and first else order["trade_no"],
            "out_trade_no": order["out_trade_no"],
            "type": order["type"],
            "pid": order["pid"],
            "addtime": _time(order["created_at"]),
            "endtime": _time(first["paid_at"]) if first else "",
            "name": order["name"],
            "money": _yuan(order["fen"]),
            "param": order["param"],
            "status": 2 if refunded else 1 if first else 0,
        }

    @staticmethod
    def _refund_fields(row: Row) -> Answer:
        return {
            "refund_no": row["refund_no"],
            "out_refund_no": row["out_refund_no"] or "",
            "trade_no": row["trade_no"],
            "money": _yuan(row["fen"]),
            "reducemoney": _yuan(row["fen"]),
        }


def with_query(url: str, params: Params) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(params)}"


def _needed(params: Params, name: str) -> str:
    value = params.get(name, "").strip()
    if not value:
        raise Refused(f"缺少参数 {name}")
    return value


def _address(params: Params, name: str) -> str:
    value = _needed(params, name)
    if not value.startswith(("http://", "https://")):
        raise Refused(f"{name} 不是网址")
    return value


def _fen(text: str) -> int:
    try:
        fen = Money.parse(text).to_fen()
    except ValueError:
        raise Refused("金额不正确") from None
    if fen <= 0:
        raise Refused("金额不正确")
    return fen


def _yuan(fen: int) -> str:
    return Money.from_fen(fen).format()


def _time(seconds: float) -> str:
    """Gateways write Beijing time without saying so."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds + 8 * 3600))
