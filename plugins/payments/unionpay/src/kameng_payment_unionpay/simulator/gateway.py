"""The machine side of the simulator: messages in, signed messages out. HTTP is in `app`."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from kameng_payment_unionpay.certificates import load_key
from kameng_payment_unionpay.signing import sign, verify
from kameng_payment_unionpay.times import moment, stamp
from kameng_sdk.simulation.courier import Callback

from .bank import Bank, NewOrder, NoSuchOrder, Refused, refund_code, timed_out
from .files import Files
from .keys import Keys
from .store import Row

Params = Mapping[str, str]
Answer = dict[str, str]
FRESH = timedelta(hours=1)  # how far `txnTime` may be off; UnionPay says "now" only
ORDER_ID = re.compile(r"[0-9A-Za-z]{8,40}")
ECHOED = (
    "accessType", "bizType", "encoding", "merId", "orderId", "reqReserved", "signMethod",
    "txnSubType", "txnTime", "txnType", "version",
)  # fmt: skip


class Gateway:
    """Pure protocol."""

    def __init__(self, bank: Bank, keys: Keys, files: Files) -> None:
        self._bank, self._keys, self._files = bank, keys, files
        self._key = load_key(keys.sign_key)
        merchant = x509.load_pem_x509_certificate(keys.merchant_cert.encode())
        public = merchant.public_key()
        if not isinstance(public, RSAPublicKey):
            raise TypeError("the merchant's key is RSA")
        self._merchant, self._cert_id = public, str(merchant.serial_number)

    def arrive(self, params: Params) -> Row:
        """`frontTransReq.do`: the shopper's browser brings a signed order."""
        self._check(params)
        _want(params, txnType="01", txnSubType="01", bizType="000201", currencyCode="156")
        if params.get("channelType") not in ("07", "08"):
            raise Refused("10", "channelType 不正确")
        self._check_number_and_time(params)
        if moment(params.get("payTimeout", "")) is None:
            raise Refused("10", "payTimeout 不正确")
        name = re.sub(r"^\{commodityName=(.*)\}$", r"\1", params.get("riskRateInfo", ""))
        order = self._bank.open_order(
            NewOrder(
                order_id=params["orderId"],
                txn_time=params["txnTime"],
                channel=params["channelType"],
                fen=_fen(params.get("txnAmt", "")),
                pay_timeout=params["payTimeout"],
                front_url=_address(params, "frontUrl"),
                back_url=_address(params, "backUrl"),
                name=name,
                reserved=params.get("reqReserved", ""),
            )
        )
        if timed_out(order) and not self._bank.payments(order["no"]):
            raise Refused("42", "订单已超时")
        return order

    def back(self, params: Params) -> Answer:
        """`backTransReq.do`: a refund is accepted, no more."""
        _want(params, txnType="04", txnSubType="00", bizType="000201", currencyCode="156")
        self._check_number_and_time(params)
        _address(params, "backUrl")
        made = self._bank.refund(
            params.get("origQryId", ""),
            params["orderId"],
            params["txnTime"],
            _fen(params.get("txnAmt", "")),
            params.get("reqReserved", ""),
        )
        return {"queryId": made["query_id"], "txnAmt": str(made["fen"])}

    def query(self, params: Params) -> Answer:
        """`queryTrans.do`, by number and time or by query number. Raises `NoSuchOrder`."""
        _want(params, txnType="00", bizType="000000")
        if params.get("txnSubType") == "02":
            return self._by_query_id(params.get("queryId", ""))
        named = (params.get("orderId", ""), params.get("txnTime", ""))
        sql = "SELECT * FROM refunds WHERE order_id = ? AND txn_time = ?"
        refund = self._bank.store.row(sql, *named)
        if refund is not None:
            return self._refund_fields(refund)
        if not named[1]:
            raise NoSuchOrder
        return self._order_fields(self._bank.find(*named))

    def _by_query_id(self, query_id: str) -> Answer:
        refund = self._bank.store.row("SELECT * FROM refunds WHERE query_id = ?", query_id)
        if refund is not None:
            return self._refund_fields(refund)
        return self._order_fields(self._bank.order(query_id), query_id)

    def file(self, params: Params) -> Answer:
        """The bill of a clearing day. Raises `Refused` 98 when there is none."""
        _want(params, txnType="76", txnSubType="01", bizType="000000", fileType="00")
        date = params.get("settleDate", "")
        content = self._files.bill(date)
        if content is None or self._bank.store.setting("bill_ready") == "off":
            raise Refused("98", "文件不存在")
        return {"settleDate": date, "fileName": f"{self._keys.mer_id}_{date}.zip",
                "fileContent": content}  # fmt: skip

    def answer(
        self, params: Params, result: Answer, code: str = "00", text: str = "成功"
    ) -> Answer:
        """The signed answer: what was asked, the result, and how it went."""
        asked = {name: params[name] for name in ECHOED if params.get(name)}
        return self.signed(asked | {"respCode": code, "respMsg": text} | result)

    def checked(self, params: Params) -> None:
        """Who calls must hold the merchant's key. Raises `Refused`."""
        self._check(params)

    def signed(self, fields: Answer) -> Answer:
        """With the certificate, which the signature covers."""
        full = {name: value for name, value in fields.items() if value}
        full |= {"version": "5.1.0", "signMethod": "01", "encoding": "UTF-8"}
        full["signPubKeyCert"] = self._keys.sign_cert
        return full | {"signature": sign(full, self._key)}

    def notice(self, query_id: str) -> Answer:
        """What is sent to `backUrl`, and what the browser carries to `frontUrl`."""
        order = self._bank.order(query_id)
        payment = next(
            row for row in self._bank.payments(order["no"]) if row["query_id"] == query_id
        )
        fields = self._payment_fields(order, payment) | {
            "accNo": "6221********0000", "accessType": "0", "bizType": "000201",
            "merId": self._keys.mer_id, "respCode": "00", "respMsg": "成功[0000000]",
            "txnSubType": "01",
        }  # fmt: skip
        return self.signed(fields)

    def callback(self, row: Row) -> Callback:
        """The POST that tells of one payment."""
        order = self._bank.order(row["subject"])
        body = urlencode(self.notice(row["subject"])).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
        return Callback("POST", order["back_url"], headers, body)

    def _check(self, params: Params) -> None:
        if params.get("merId") != self._keys.mer_id:
            raise Refused("31", "商户状态不正确")
        _want(params, version="5.1.0", encoding="UTF-8", signMethod="01", accessType="0")
        if params.get("certId") != self._cert_id or not verify(params, self._merchant):
            raise Refused("11", "验证签名失败")

    def _check_number_and_time(self, params: Params) -> None:
        if not ORDER_ID.fullmatch(params.get("orderId", "")):
            raise Refused("10", "orderId 不正确")
        sent = moment(params.get("txnTime", ""))
        if sent is None or abs(datetime.now(UTC) - sent) > FRESH:
            raise Refused("10", "txnTime 无效")

    def _order_fields(self, order: Row, query_id: str = "") -> Answer:
        payments = self._bank.payments(order["no"])
        wanted = [row for row in payments if query_id in ("", row["query_id"])]
        if wanted:
            done = {"origRespCode": "00", "origRespMsg": "成功[0000000]"}
            return self._payment_fields(order, wanted[0]) | done
        state = ("05", "交易已受理，请稍后查询交易结果")
        if order["state"] == "refused":
            state = ("64", "卡余额不足")
        elif timed_out(order):
            state = ("01", "交易失败")
        fields = {"orderId": order["order_id"], "txnTime": order["txn_time"], "txnType": "01"}
        return fields | {"origRespCode": state[0], "origRespMsg": state[1]}

    def _payment_fields(self, order: Row, payment: Row) -> Answer:
        paid = datetime.fromtimestamp(payment["paid_at"], UTC)
        return {
            "orderId": order["order_id"], "txnTime": order["txn_time"], "txnType": "01",
            "txnAmt": str(payment["fen"]), "currencyCode": "156", "queryId": payment["query_id"],
            "settleAmt": str(payment["fen"]), "settleCurrencyCode": "156",
            "settleDate": stamp(paid)[4:8], "traceNo": payment["trace_no"],
            "traceTime": stamp(paid)[4:], "reqReserved": order["reserved"],
        }  # fmt: skip

    def _refund_fields(self, refund: Row) -> Answer:
        made = datetime.fromtimestamp(refund["created_at"], UTC)
        code = refund_code(refund)
        return {
            "orderId": refund["order_id"], "txnTime": refund["txn_time"], "txnType": "04",
            "txnAmt": str(refund["fen"]), "currencyCode": "156", "queryId": refund["query_id"],
            "origQryId": refund["payment"], "traceTime": stamp(made)[4:],
            "reqReserved": refund["reserved"], "origRespCode": code,
            "origRespMsg": {"00": "成功", "05": "交易已受理"}.get(code, "交易未通过"),
        }  # fmt: skip


def _want(params: Params, **wanted: str) -> None:
    for name, value in wanted.items():
        if params.get(name) != value:
            raise Refused("10", f"报文格式错误：{name}")


def _address(params: Params, name: str) -> str:
    value = params.get(name, "")
    if not value.startswith(("http://", "https://")):
        raise Refused("10", f"{name} 不是网址")
    return value


def _fen(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 10**12):
        raise Refused("10", "txnAmt 不正确")
    return int(text)
