"""The API as WeChat Pay answers it: who asks, what is asked, and a signed answer."""

import gzip
import json
import re
import secrets
import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from kameng_payment_wechatpay.documents import Json, Unreadable, fen_of, part_of, read_object
from kameng_payment_wechatpay.documents import text_of as text
from kameng_payment_wechatpay.signing import FRESH_SECONDS, PUBLIC_KEY_PREFIX, SCHEME, verify
from kameng_sdk.simulation.levers import troubled

from .bank import Bank, NewOrder, NewRefund, Refused
from .bill import lines_of, sha1_of, written
from .keys import Keys
from .store import Row
from .things import Thing, refund_answer, signed_headers, trade

TOKEN_SECONDS = 300
AUTHORIZATION = re.compile(
    rf"{SCHEME} "
    + ",".join(
        f'{name}="(?P<{name}>[^"]+)"'
        for name in ("mchid", "nonce_str", "signature", "timestamp", "serial_no")
    )
)
OUT_NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
REFUND_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
UNSIGNED = {401}  # who does not prove to be the merchant gets no signed answer


def routes() -> Map:
    """Everything below `/v3/`."""
    pay = "/v3/pay/transactions"
    refunds = "/v3/refund/domestic/refunds"
    return Map(
        [
            Rule(f"{pay}/<any(native,h5,jsapi):kind>", endpoint="open", methods=["POST"]),
            Rule(f"{pay}/out-trade-no/<number>", endpoint="query", methods=["GET"]),
            Rule(f"{pay}/id/<number>", endpoint="query_id", methods=["GET"]),
            Rule(f"{pay}/out-trade-no/<number>/close", endpoint="close", methods=["POST"]),
            Rule(refunds, endpoint="refund", methods=["POST"]),
            Rule(f"{refunds}/<number>", endpoint="query_refund", methods=["GET"]),
            Rule("/v3/bill/tradebill", endpoint="bill", methods=["GET"]),
            Rule("/v3/billdownload/file", endpoint="download", methods=["GET"]),
        ]
    )


class Api:
    """One merchant's requests; answers are signed by the kind of key the merchant asks for."""

    def __init__(self, bank: Bank, keys: Keys, base_url: str) -> None:
        self._bank = bank
        self._store = bank.store
        self._keys = keys
        self._base_url = base_url
        self._routes = routes()

    def respond(self, request: Request) -> Response:
        """Answer, slowly or not at all if the levers say so."""
        return troubled(self._store, lambda: self._answer(request))

    def _answer(self, request: Request) -> Response:
        try:
            self._check_merchant(request)
            return self._run(request)
        except Refused as error:
            return self._signed(request, {"code": error.code, "message": str(error)}, error)
        except Unreadable as error:
            refusal = Refused(400, "PARAM_ERROR", str(error))
            return self._signed(request, {"code": refusal.code, "message": str(error)}, refusal)

    def _check_merchant(self, request: Request) -> None:
        match = AUTHORIZATION.fullmatch(_sorted_facts(request.headers.get("Authorization", "")))
        if match is None:
            raise Refused(401, "SIGN_ERROR", "Http头Authorization值格式错误")
        timestamp = match["timestamp"]
        if (match["mchid"], match["serial_no"]) != (self._keys.mchid, self._keys.merchant_serial):
            raise Refused(401, "SIGN_ERROR", "商户号与证书序列号不匹配")
        if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > FRESH_SECONDS:
            raise Refused(401, "SIGN_ERROR", "timestamp与发起请求的时间不得超过5分钟")
        query = request.query_string.decode()
        path = request.path + (f"?{query}" if query else "")
        lines = (request.method, path, timestamp, match["nonce_str"], request.get_data())
        if not verify(self._keys.merchant_key, match["signature"], *lines):
            raise Refused(401, "SIGN_ERROR", "错误的签名，验签失败")

    def _run(self, request: Request) -> Response:
        try:
            endpoint, values = self._routes.bind_to_environ(request.environ).match()
        except HTTPException:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "无此接口") from None
        view: Callable[..., Response] = getattr(self, f"_{endpoint}")
        return view(request, **values)

    def _signed(
        self, request: Request, thing: Thing | None, refusal: Refused | None = None
    ) -> Response:
        body = b"" if thing is None else json.dumps(thing, ensure_ascii=False).encode()
        status = refusal.status if refusal else 200 if body else 204
        answer = Response(body, status=status, mimetype="application/json")
        manner = self._store.setting("answer_sign")
        if status not in UNSIGNED and manner != "none":
            asked = request.headers.get("Wechatpay-Serial", "")
            kind = "public_key" if asked.startswith(PUBLIC_KEY_PREFIX) else "certificate"
            answer.headers.extend(signed_headers(self._keys.signer(kind), body, manner))
        answer.headers["Request-ID"] = secrets.token_hex(16)
        return answer

    # Orders

    def _open(self, request: Request, kind: str) -> Response:
        params = read_object(request.get_data())
        self._check_ids(params, "mchid", "appid")
        if kind == "h5":
            scene = part_of(params, "scene_info")
            text(scene, "payer_client_ip", 45)
            text(part_of(scene, "h5_info"), "type")
        order = self._bank.open_order(_new_order(params, kind))
        number = order["prepay_id"]
        page = f"{self._base_url}/cashier?prepay_id={number}"
        answers = {"native": {"code_url": page}, "h5": {"h5_url": page}}
        return self._signed(request, answers.get(kind, {"prepay_id": number}))

    def _check_ids(self, params: Json, *names: str) -> None:
        for name in names:
            if params.get(name) != getattr(self._keys, name):
                raise Refused(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试")

    def _query(self, request: Request, number: str) -> Response:
        return self._show(request, self._bank.order_by_number(number))

    def _query_id(self, request: Request, number: str) -> Response:
        return self._show(request, self._bank.order_of_payment(number))

    def _show(self, request: Request, order: Row) -> Response:
        self._check_ids(request.args, "mchid")
        payments = self._bank.payments(order["prepay_id"])
        return self._signed(request, trade(self._keys, order, payments[0] if payments else None))

    def _close(self, request: Request, number: str) -> Response:
        self._check_ids(read_object(request.get_data()), "mchid")
        self._bank.close(self._bank.order_by_number(number)["prepay_id"])
        return self._signed(request, None)

    # Refunds

    def _refund(self, request: Request) -> Response:
        params = read_object(request.get_data())
        becomes = self._store.setting("refund_answer")
        if becomes == "FREQUENCY_LIMITED":
            raise Refused(429, becomes, "频率限制，请降低频率后再试")
        if becomes == "NOT_ENOUGH":
            raise Refused(403, becomes, "基本账户余额不足，请充值后重新发起")
        if becomes == "SYSTEM_ERROR":
            raise Refused(500, becomes, "系统错误，请用相同参数重新调用")
        new = _new_refund(params, self._store.setting("refund_notify_url"))
        made = self._bank.refund(new, becomes, int(self._store.setting("refund_seconds")))
        return self._show_refund(request, made)

    def _query_refund(self, request: Request, number: str) -> Response:
        made = self._store.row("SELECT * FROM refunds WHERE out_refund_no = ?", number)
        if made is None:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return self._show_refund(request, made)

    def _show_refund(self, request: Request, refund: Row) -> Response:
        order = self._bank.order_of_payment(refund["transaction_id"])
        sql = "SELECT * FROM payments WHERE transaction_id = ?"
        (payment,) = self._store.rows(sql, refund["transaction_id"])
        return self._signed(request, refund_answer(order, payment, refund))

    # Bills

    def _bill(self, request: Request) -> Response:
        day = _day(request.args.get("bill_date", ""))
        if request.args.get("bill_type", "ALL") != "ALL":
            raise Refused(400, "PARAM_ERROR", "模拟器只出 ALL 类型的账单")
        if self._store.setting("bill_ready") == "off":
            raise Refused(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
        lines = lines_of(self._store, day)
        if not lines:
            raise Refused(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        damage = self._store.setting("bill_damage")
        plain = written(self._keys, lines, damage)
        packed = request.args.get("tar_type") == "GZIP"
        token = secrets.token_urlsafe(24)
        with self._store.write() as db:
            body = gzip.compress(plain) if packed else plain
            db.execute("INSERT INTO bills VALUES (?, ?, ?)", (token, body, time.time()))
        answer = {
            "hash_type": "SHA1",
            "hash_value": "0" * 40 if damage == "sha1" else sha1_of(plain),
            "download_url": f"{self._base_url}/v3/billdownload/file?token={token}",
        }
        return self._signed(request, answer)

    def _download(self, request: Request) -> Response:
        """Not signed, as at WeChat Pay."""
        oldest = time.time() - TOKEN_SECONDS
        with self._store.write() as db:
            db.execute("DELETE FROM bills WHERE made_at < ?", (oldest,))
            sql = "SELECT body FROM bills WHERE token = ?"
            row = db.execute(sql, (request.args.get("token", ""),)).fetchone()
        if row is None:
            raise Refused(400, "INVALID_REQUEST", "账单下载地址已失效")
        return Response(row["body"], mimetype="application/octet-stream")


def _sorted_facts(header: str) -> str:
    """The facts may come in any order."""
    scheme, _, facts = header.partition(" ")
    order = ["mchid", "nonce_str", "signature", "timestamp", "serial_no"]
    found = {part.partition("=")[0]: part for part in facts.split(",")}
    return f"{scheme} " + ",".join(found.get(name, "") for name in order)


def _new_order(params: Json, kind: str) -> NewOrder:
    number, amount = text(params, "out_trade_no"), part_of(params, "amount")
    if not OUT_NUMBER.fullmatch(number):
        raise Unreadable("out_trade_no is 6 to 32 letters and digits")
    if amount.get("currency", "CNY") != "CNY":
        raise Unreadable("currency is CNY")
    ends = _open_until(params)
    address = text(params, "notify_url")
    if not address.startswith(("http://", "https://")) or "?" in address:
        raise Unreadable("notify_url is an address without parameters")
    openid = text(part_of(params, "payer"), "openid", 128) if kind == "jsapi" else ""
    description = text(params, "description", 127)
    return NewOrder(
        kind, number, description, address, fen_of(amount, "total"), openid, ends
    )  # fmt: skip


def _open_until(params: Json) -> str:
    if "time_expire" not in params:
        return ""
    ends = text(params, "time_expire")
    try:
        left = datetime.fromisoformat(ends).timestamp() - time.time()
    except ValueError:
        raise Unreadable("time_expire is not a time") from None
    if left < 55:
        raise Unreadable("time_expire is a minute from now at least")
    return ends


def _new_refund(params: Json, notify_url: str) -> NewRefund:
    number, amount = text(params, "out_refund_no"), part_of(params, "amount")
    if not REFUND_NUMBER.fullmatch(number):
        raise Unreadable("out_refund_no is up to 64 letters and digits")
    transaction_id: Any = params.get("transaction_id", "")
    out_trade_no: Any = params.get("out_trade_no", "")
    if bool(transaction_id) == bool(out_trade_no):
        raise Unreadable("either transaction_id or out_trade_no")
    if amount.get("currency") != "CNY":
        raise Unreadable("currency is CNY")
    url = str(params.get("notify_url") or notify_url)
    fen, total = fen_of(amount, "refund"), fen_of(amount, "total")
    return NewRefund(str(transaction_id), str(out_trade_no), number, fen, total, url)


def _day(written_as: str) -> date:
    try:
        return date.fromisoformat(written_as)
    except ValueError:
        raise Unreadable("bill_date is a day") from None
