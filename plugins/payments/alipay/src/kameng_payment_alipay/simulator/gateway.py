"""gateway.do: who asks is checked, the method does its work, the answer is signed."""

import json
import time
from collections.abc import Callable, Mapping

from kameng_payment_alipay.signing import load_private_key, public_text, request_text, sign, verify
from kameng_payment_alipay.times import beijing_time

from .bank import Refused
from .keys import Keys
from .store import Row
from .trades import Answer, Biz, Trades

Params = Mapping[str, str]
PAGES = {"alipay.trade.page.pay": "page", "alipay.trade.wap.pay": "wap"}
# Alipay lets money out to applications in certificate mode only.
BY_CERTIFICATE = "alipay.fund.trans."
CLOCK_SECONDS = 600
PAGE_SECONDS = 86_400  # a shopper may open the address of a page later


class Gateway:
    """Pure protocol: parameters in, text out. HTTP is in `app`."""

    def __init__(self, trades: Trades, keys: Keys) -> None:
        self._trades = trades
        self._keys = keys
        self._app_public = public_text(load_private_key(keys.app_private))
        self._methods: dict[str, Callable[[Biz, Params], Answer]] = {
            "alipay.trade.precreate": trades.precreate,
            "alipay.trade.query": trades.query,
            "alipay.trade.close": trades.close,
            "alipay.trade.refund": trades.refund,
            "alipay.trade.fastpay.refund.query": trades.refund_query,
            "alipay.data.dataservice.bill.downloadurl.query": trades.bill_url,
            "alipay.fund.trans.uni.transfer": trades.transfer,
            "alipay.fund.trans.common.query": trades.transfer_query,
        }

    def is_page(self, params: Params) -> bool:
        """Whether a browser asks for a cashier."""
        return params.get("method", "") in PAGES

    def page(self, params: Params) -> Row:
        """The order a browser arrives with. Raises `Refused`."""
        self._check(params)
        return self._trades.arrive(PAGES[params["method"]], _biz(params), params)

    def answer(self, params: Params) -> str:
        """The answer to one call, as it goes over the wire."""
        method = params.get("method", "")
        try:
            self._check(params)
            work = self._methods.get(method)
            if work is None:
                raise _invalid("isv.invalid-method", "不存在的方法名")
            node: Answer = {"code": "10000", "msg": "Success", **work(_biz(params), params)}
        except Refused as error:
            msg = "Business Failed" if error.code == "40004" else "Invalid Arguments"
            node = {"code": error.code, "msg": msg}
            node |= {"sub_code": error.sub_code, "sub_msg": error.text}
            return self._text(method, node, params, signed=error.signed)
        return self._text(method, node, params, signed=True)

    def _check(self, params: Params) -> None:
        """Application, algorithm, time and signature. What fails here is answered unsigned."""
        if params.get("app_id") != self._keys.app_id:
            raise _invalid("isv.invalid-app-id", "无效的AppID参数", signed=False)
        if params.get("sign_type") != "RSA2":
            raise _invalid("isv.invalid-signature-type", "无效的签名类型", signed=False)
        if params.get("charset", "").lower() != "utf-8" or params.get("version") != "1.0":
            raise _invalid("isv.invalid-charset", "字符集错误", signed=False)
        oldest = PAGE_SECONDS if self.is_page(params) else CLOCK_SECONDS
        sent = beijing_time(params.get("timestamp", ""))
        if sent is None or not -CLOCK_SECONDS < time.time() - sent.timestamp() < oldest:
            raise _invalid("isv.invalid-timestamp", "非法的时间戳参数", signed=False)
        if not verify(request_text(params), self._app_public, params.get("sign", "")):
            raise _invalid("isv.invalid-signature", "无效签名", signed=False)
        self._check_certificates(params)

    def _check_certificates(self, params: Params) -> None:
        app, roots = params.get("app_cert_sn", ""), params.get("alipay_root_cert_sn", "")
        if not app and params.get("method", "").startswith(BY_CERTIFICATE):
            raise _invalid("isv.missing-app-cert-sn", "缺少应用公钥证书序列号")
        if app and app != self._keys.app_cert_sn:
            raise _invalid("isv.app-cert-not-exist", "应用公钥证书不存在")
        if app and roots != self._keys.root_cert_sn:
            raise _invalid("isv.invalid-alipay-root-cert-sn", "支付宝根证书序列号不正确")

    def _text(self, method: str, node: Answer, params: Params, *, signed: bool) -> str:
        # Alipay escapes slashes, so that who parses and dumps again does not get what is signed.
        raw = json.dumps(node, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
        name = f"{method.replace('.', '_')}_response" if method else "error_response"
        serial = f'"alipay_cert_sn":"{self._keys.alipay_cert_sn}",'
        extra = serial if params.get("app_cert_sn") else ""
        if not signed:
            return f'{{"{name}":{raw}}}'
        return f'{{"{name}":{raw},{extra}"sign":"{sign(raw, self._keys.alipay_private)}"}}'


def _biz(params: Params) -> Biz:
    try:
        biz = json.loads(params.get("biz_content", ""))
    except ValueError:
        biz = None
    if not isinstance(biz, dict):
        raise _invalid("isv.invalid-parameter", "biz_content 不是 JSON")
    return biz


def _invalid(sub_code: str, text: str, *, signed: bool = True) -> Refused:
    return Refused(sub_code, text, "40002", signed=signed)
