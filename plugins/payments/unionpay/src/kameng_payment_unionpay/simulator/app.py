"""HTTP of the simulator: routes to the gateway, the cashier page and the levers."""

from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import BadRequest
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_payment_unionpay.signing import write_answer
from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.gateway import GatewaySimulator
from kameng_sdk.simulation.levers import troubled
from kameng_sdk.simulation.site import View
from kameng_sdk.simulators import SimulatorEnvironment

from .bank import Bank, NoSuchOrder, Refused, timed_out
from .control import Control
from .english import ENGLISH
from .files import FEE_BP, Files
from .gateway import Answer, Gateway
from .keys import SIGNER, load_keys
from .store import WORDS, open_store

Call = Callable[[dict[str, str]], Answer]


def _rules() -> list[Rule]:
    return [
        Rule("/gateway/api/frontTransReq.do", endpoint="front", methods=["POST"]),
        Rule("/gateway/api/backTransReq.do", endpoint="back", methods=["POST"]),
        Rule("/gateway/api/queryTrans.do", endpoint="query", methods=["POST"]),
        Rule("/filedownload/", endpoint="file", methods=["POST"]),
    ]


class UnionpaySimulator(GatewaySimulator):
    """UnionPay's gateway, on which nothing is real but the protocol."""

    name, key, refused, unknown = "unionpay", "no", Refused, NoSuchOrder

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._base_url = environment.url_of(self.name)
        self._store = open_store(environment.folder_of(self.name))
        self._keys = load_keys(self._store)
        self._bank = Bank(self._store)
        files = Files(self._store, self._keys.mer_id)
        self._gateway = Gateway(self._bank, self._keys, files)
        self._open(
            self._store,
            Control(self._bank, files),
            CashierPages(__package__, environment.public_name, ENGLISH),
            rules=_rules(),
            views=self._views(),
            words=WORDS,
            prepare=self._gateway.callback,
            accepted=lambda status, text: status in (200, 302),
            each_round=self._bank.pay_what_is_due,
        )

    def demo_config(self) -> dict[str, str | int | bool]:
        """Form values for the real plugin."""
        return {
            "mer_id": self._keys.mer_id,
            "sign_key": self._keys.merchant_key,
            "sign_cert": self._keys.merchant_cert,
            "root_cert": self._keys.root_cert,
            "middle_cert": self._keys.middle_cert,
            "signer": SIGNER,
            "gateway_url": self._base_url,
            "file_url": f"{self._base_url}/filedownload",
            "fee_bp": FEE_BP,
        }

    def _views(self) -> dict[str, View]:
        return {
            "front": self._arrive,
            "back": lambda request: self._answer(request, self._gateway.back),
            "query": lambda request: self._answer(request, self._gateway.query),
            "file": lambda request: self._answer(request, self._gateway.file),
        }

    # The shopper's browser

    def _arrive(self, request: Request) -> Response:
        try:
            order = self._gateway.arrive(_params(request))
        except Refused as error:
            return self._pages.show(request, "refused.html", status=400, reason=str(error))
        return self._to_cashier(request, order["no"])

    def _facts(self, order: dict[str, Any]) -> dict[str, Any]:
        """As at UnionPay, "back to the shop" posts the signed result; it proves nothing there."""
        paid = order["payments"]
        return {
            "method": "手机页面" if order["channel"] == "08" else "电脑页面",
            "result": self._gateway.notice(paid[0]["query_id"]) if paid else {},
            "over": timed_out(order),
        }

    # The merchant's server

    def _answer(self, request: Request, call: Call) -> Response:
        """A signed answer, slowly or not at all if the levers say so."""

        def answer() -> Response:
            params = _params(request)
            try:
                self._gateway.checked(params)
                said = self._gateway.answer(params, call(params))
            except Refused as error:
                said = self._gateway.answer(params, {}, error.code, str(error))
            return Response(write_answer(said), mimetype="text/plain")

        return troubled(self._store, answer)


def _params(request: Request) -> dict[str, str]:
    """The form; a name given twice is refused."""
    pairs = list(request.form.items(multi=True))
    if len({name for name, _ in pairs}) != len(pairs):
        raise BadRequest("a field is given twice")
    return dict(pairs)
