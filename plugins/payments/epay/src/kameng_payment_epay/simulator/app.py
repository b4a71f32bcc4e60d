"""HTTP of the simulator: routes to the gateway, the cashier page and the levers."""

from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import BadRequest
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.gateway import GatewaySimulator
from kameng_sdk.simulation.levers import troubled
from kameng_sdk.simulation.site import View, answer_json
from kameng_sdk.simulators import SimulatorEnvironment

from .bank import Bank, NoSuchOrder, Refused
from .control import Control
from .english import ENGLISH
from .gateway import Answer, Gateway
from .keys import load_keys
from .store import Row, open_store

METHODS = {"alipay": "支付宝", "wxpay": "微信支付", "qqpay": "QQ 钱包", "bank": "云闪付"}


def _rules() -> list[Rule]:
    return [
        Rule("/submit.php", endpoint="submit", methods=["GET", "POST"]),
        Rule("/mapi.php", endpoint="mapi", methods=["POST"]),
        Rule("/api.php", endpoint="api", methods=["GET", "POST"]),
        Rule("/api/pay/submit", endpoint="submit_v2", methods=["GET", "POST"]),
        Rule("/api/pay/<any(create,query,refund,refundquery,close):call>", endpoint="v2"),
        Rule("/api/merchant/<any(info):call>", endpoint="v2", methods=["POST"]),
    ]


class EpaySimulator(GatewaySimulator):
    """An epay gateway on which nothing is real but the protocol."""

    name, refused, unknown = "epay", Refused, NoSuchOrder

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._base_url = environment.url_of(self.name)
        self._store = open_store(environment.folder_of(self.name))
        self._keys = load_keys(self._store)
        self._bank = Bank(self._store)
        self._gateway = Gateway(self._bank, self._keys, self._base_url)
        self._open(
            self._store,
            Control(self._bank),
            CashierPages(__package__, environment.public_name, ENGLISH),
            rules=_rules(),
            views=self._views(),
            prepare=self._gateway.callback,
            accepted=lambda status, text: status == 200 and text.strip() == "success",
            each_round=self._bank.pay_what_is_due,
        )

    def demo_config(self) -> dict[str, str | int | bool]:
        """Form values for the real plugin, for version 2; set `version` to v1 for the other."""
        return {
            "gateway_url": self._base_url,
            "version": "v2",
            "pid": self._keys.pid,
            "key": self._keys.md5_key,
            "merchant_private_key": self._keys.merchant_private,
            "platform_public_key": self._keys.platform_public,
            "sign_type": "RSA",
            "methods": "alipay,wxpay",
            "fee_bp": 60,
        }

    def _views(self) -> dict[str, View]:
        return {
            "submit": lambda request: self._arrive(self._gateway.submit, request),
            "submit_v2": lambda request: self._arrive(self._gateway.submit_v2, request),
            "mapi": lambda request: self._answer(request, self._gateway.mapi),
            "api": lambda request: self._answer(request, self._gateway.api),
            "v2": self._v2,
        }

    # The shopper's browser

    def _arrive(self, submit: Callable[[dict[str, str]], Row], request: Request) -> Response:
        try:
            order = submit(_params(request))
        except Refused as error:
            return self._pages.show(request, "unpayable.html", status=400, reason=str(error))
        return self._to_cashier(request, order["trade_no"])

    def _facts(self, order: dict[str, Any]) -> dict[str, Any]:
        return {"method": METHODS.get(order["type"], order["type"])}

    def _return_url(self, order: dict[str, Any]) -> str:
        return self._gateway.return_url(order)

    # The merchant's server

    def _v2(self, request: Request, call: str) -> Response:
        gateway = self._gateway
        calls: dict[str, Callable[[dict[str, str]], Answer]] = {
            "create": gateway.create,
            "query": gateway.query,
            "refund": gateway.refund,
            "refundquery": gateway.refund_query,
            "close": gateway.close,
            "info": gateway.merchant_info,
        }

        def checked(params: dict[str, str]) -> Answer:
            gateway.check_merchant(params)
            return gateway.signed(calls[call](params))

        return self._answer(request, checked)

    def _answer(self, request: Request, call: Callable[[dict[str, str]], Answer]) -> Response:
        """Answer in JSON, slowly or not at all if the levers say so."""

        def answer() -> Response:
            try:
                return answer_json(call(_params(request)))
            except Refused as error:
                return answer_json({"code": -1, "msg": str(error)})

        return troubled(self._store, answer)


def _params(request: Request) -> dict[str, str]:
    """Query and form together; a name given twice is refused."""
    pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
    if len({name for name, _ in pairs}) != len(pairs):
        raise BadRequest("a parameter is given twice")
    return dict(pairs)
