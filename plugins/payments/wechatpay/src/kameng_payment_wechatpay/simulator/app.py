"""HTTP of the simulator: the API, the pages of WeChat and the levers."""

import secrets
from typing import Any

from werkzeug.routing import Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.gateway import GatewaySimulator
from kameng_sdk.simulation.site import View, answer_json
from kameng_sdk.simulators import SimulatorEnvironment

from .api import Api
from .bank import Bank, NoSuchOrder, Refused
from .control import Control
from .english import ENGLISH
from .keys import load_keys
from .store import WORDS, Row, open_store
from .things import notice_body, refund_notice, signed_headers, trade
from .wechat import BadAsk, Inside

METHODS = {"native": "微信扫码", "h5": "手机网页", "jsapi": "微信里"}
SHOPPER = "wechat_openid"


def _rules() -> list[Rule]:
    return [
        Rule("/v3/<path:rest>", endpoint="api"),
        Rule("/cashier", endpoint="arrive", methods=["GET"]),
        Rule("/jsapi", endpoint="jsapi", methods=["GET"]),
        Rule("/jsapi/<any(pay,refuse):action>", endpoint="jsapi_action", methods=["POST"]),
        Rule("/jsbridge.js", endpoint="script", methods=["GET"]),
        Rule("/connect/oauth2/authorize", endpoint="authorize", methods=["GET"]),
        Rule("/sns/oauth2/access_token", endpoint="access_token", methods=["GET"]),
    ]


class WechatSimulator(GatewaySimulator):
    """WeChat Pay, and as much of WeChat as a payment needs, on which nobody is charged."""

    name, key, refused, unknown = "wechatpay", "prepay_id", Refused, NoSuchOrder

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._base_url = environment.url_of(self.name)
        self._store = open_store(environment.folder_of(self.name))
        self._keys = load_keys(self._store)
        self._bank = Bank(self._store)
        self._api = Api(self._bank, self._keys, self._base_url)
        self._inside = Inside(self._bank, self._keys, self._base_url)
        self._open(
            self._store,
            Control(self._bank),
            CashierPages(__package__, environment.public_name, ENGLISH),
            rules=_rules(),
            views=self._views(),
            words=WORDS,
            prepare=self._callback,
            accepted=lambda status, text: status in (200, 204),
            each_round=self._bank.do_what_is_due,
        )

    def demo_config(self) -> dict[str, str | int | bool]:
        """Form values for the real plugin: public key and certificate, as while changing over."""
        keys = self._keys
        return {
            "mchid": keys.mchid,
            "appid": keys.appid,
            "api_v3_key": keys.api_v3_key,
            "merchant_serial": keys.merchant_serial,
            "merchant_private_key": keys.merchant_private,
            "public_key_id": keys.public_key_id,
            "public_key": keys.public_key,
            "platform_certificates": keys.certificate,
            "app_secret": keys.app_secret,
            "gateway_url": self._base_url,
            "fee_bp": 60,
        }

    def _views(self) -> dict[str, View]:
        return {
            "api": self._serve_api,
            "arrive": self._arrive,
            "jsapi": self._bridge,
            "jsapi_action": self._bridge_action,
            "script": lambda request: Response(self._inside.script(), mimetype="text/javascript"),
            "authorize": self._authorize,
            "access_token": self._access_token,
        }

    # The merchant's server

    def _serve_api(self, request: Request, rest: str) -> Response:
        response = self._api.respond(request)
        self._courier.wake()
        return response

    def _callback(self, row: Row) -> Callback:
        """The notice, signed at this moment."""
        body = self._notice(row["subject"])
        setting = self._store.setting
        name = setting("sign_with")
        if name == "rotate":
            name = ("public_key", "certificate")[(row["id"] + row["tries"]) % 2]
        headers = signed_headers(self._keys.signer(name), body, setting("notice_sign"))
        typed = {**headers, "Content-Type": "application/json", "User-Agent": "Mozilla/4.0"}
        return Callback("POST", row["url"], typed, body)

    def _notice(self, subject: str) -> bytes:
        what, _, number = subject.partition(":")
        if what == "TRANSACTION":
            order, payment = self._bank.order_of_payment(number), self._payment(number)
            # A refund that came meanwhile does not change what this notice is about.
            thing = trade(self._keys, order, payment) | {"trade_state": "SUCCESS"}
            return notice_body(self._keys, subject, "TRANSACTION.SUCCESS", thing)
        (refund,) = self._store.rows("SELECT * FROM refunds WHERE refund_id = ?", number)
        payment = self._payment(refund["transaction_id"])
        order = self._bank.order_of_payment(refund["transaction_id"])
        thing = refund_notice(self._keys, order, payment, refund)
        return notice_body(self._keys, subject, f"REFUND.{refund['status']}", thing)

    def _payment(self, transaction_id: str) -> Row:
        sql = "SELECT * FROM payments WHERE transaction_id = ?"
        (payment,) = self._store.rows(sql, transaction_id)
        return payment

    def _access_token(self, request: Request) -> Response:
        try:
            return answer_json(self._inside.access_token(request.args.to_dict()))
        except BadAsk as error:
            return answer_json(error.answer)

    # The shopper's browser

    def _authorize(self, request: Request) -> Response:
        """Silent: one redirect. The browser's cookie is who the shopper is."""
        openid = request.cookies.get(SHOPPER) or f"o{secrets.token_hex(13)}"
        try:
            response = redirect(self._inside.authorize(request.args.to_dict(), openid), 302)
        except BadAsk as error:
            return self._pages.show(request, "unpayable.html", status=400, reason=str(error))
        response.set_cookie(
            SHOPPER, openid, path=request.script_root or "/", httponly=True, samesite="Lax"
        )
        return response

    def _arrive(self, request: Request) -> Response:
        """The address in a code or an answer, with the way back that the merchant appended."""
        order = self._order(request.args.get("prepay_id", ""))
        self._bank.come_back_to(order["prepay_id"], request.args.get("redirect_url", ""))
        return self._to_cashier(request, order["prepay_id"])

    def _bridge(self, request: Request) -> Response:
        """Where the bridge sends the browser; WeChat would lay its own sheet over the page."""
        try:
            order = self._inside.bridged(request.args.to_dict())
        except Refused as error:
            return self._pages.show(request, "unpayable.html", status=400, reason=str(error))
        self._bank.come_back_to(order["prepay_id"], request.args.get("back", ""))
        return self._to_cashier(request, order["prepay_id"])

    def _bridge_action(self, request: Request, action: str) -> Response:
        """The bridge without a browser: its arguments as a form, its answer as JSON."""
        word = "getBrandWCPayRequest"
        try:
            order = self._inside.bridged(request.form.to_dict())
            self._control.act(order["prepay_id"], action, {})
        except Refused as error:
            return answer_json({"err_msg": f"{word}:fail", "err_desc": str(error)}, error.status)
        self._courier.wake()
        return answer_json({"err_msg": f"{word}:{'ok' if action == 'pay' else 'cancel'}"})

    def _facts(self, order: dict[str, Any]) -> dict[str, Any]:
        return {"method": METHODS[order["kind"]]}

    def _return_url(self, order: dict[str, Any]) -> str:
        return str(order["return_url"])
