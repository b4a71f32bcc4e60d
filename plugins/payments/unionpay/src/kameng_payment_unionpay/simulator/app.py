"""HTTP of the simulator: routes to the gateway, the cashier page and the levers."""

import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.routing import Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from kameng_payment_unionpay.signing import write_answer
from kameng_sdk.money import Money
from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.courier import Courier
from kameng_sdk.simulation.levers import Levers, whole
from kameng_sdk.simulation.site import Site, View, answer_json
from kameng_sdk.simulators import SimulatorEnvironment, StartResponse

from .bank import Bank, NoSuchOrder, Refused, timed_out
from .control import Control
from .english import ENGLISH
from .files import FEE_BP, Files
from .gateway import Answer, Gateway
from .keys import SIGNER, load_keys
from .store import WORDS, Row, open_store

Call = Callable[[dict[str, str]], Answer]


def _rules() -> list[Rule]:
    return [
        Rule("/gateway/api/frontTransReq.do", endpoint="front", methods=["POST"]),
        Rule("/gateway/api/backTransReq.do", endpoint="back", methods=["POST"]),
        Rule("/gateway/api/queryTrans.do", endpoint="query", methods=["POST"]),
        Rule("/filedownload/", endpoint="file", methods=["POST"]),
        Rule("/cashier/<number>", endpoint="cashier", methods=["GET"]),
        Rule("/cashier/<number>/<action>", endpoint="cashier_action", methods=["POST"]),
        Rule("/control/<number>/<action>", endpoint="control", methods=["POST"]),
    ]


class UnionpaySimulator:
    """UnionPay's gateway, on which nothing is real but the protocol."""

    name = "unionpay"

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._base_url = environment.url_of(self.name)
        self._store = open_store(environment.folder_of(self.name))
        self._keys = load_keys(self._store)
        self._bank = Bank(self._store)
        files = Files(self._store, self._keys.mer_id)
        self._gateway = Gateway(self._bank, self._keys, files)
        self._control = Control(self._bank, files)
        self._pages = CashierPages(__package__, environment.public_name, ENGLISH)
        self._site = Site(
            _rules(),
            self._views(),
            pages=self._pages,
            levers=Levers(self._store, WORDS),
            ledger=self._control,
        )
        self._courier = Courier(
            self._store,
            prepare=self._gateway.callback,
            accepted=lambda status, text: status in (200, 302),
            each_round=self._bank.pay_what_is_due,
        )
        # At once, so that notices left by the last run go out without waiting for a request.
        self._courier.ensure_running()

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

    def close(self) -> None:
        """Stop the background threads; undelivered notices wait in the store."""
        self._courier.stop()

    def wsgi_app(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request, by any thread."""
        self._courier.ensure_running()
        return self._site(environ, start_response)

    def _views(self) -> dict[str, View]:
        return {
            "front": self._arrive,
            "back": lambda request: self._answer(request, self._gateway.back),
            "query": lambda request: self._answer(request, self._gateway.query),
            "file": lambda request: self._answer(request, self._gateway.file),
            "cashier": lambda request, number: self._cashier(request, self._order(number)),
            "cashier_action": self._act,
            "control": self._lever,
        }

    # The shopper's browser

    def _arrive(self, request: Request) -> Response:
        try:
            order = self._gateway.arrive(_params(request))
        except Refused as error:
            return self._pages.show(request, "refused.html", status=400, reason=str(error))
        return redirect(f"{request.script_root}/cashier/{order['no']}", 303)

    def _act(self, request: Request, number: str, action: str) -> Response:
        number = str(self._order(number)["no"])
        try:
            match action:
                case "pay":
                    self._bank.pay(number)
                case "pay_twice":
                    self._bank.pay(number, payments=2)
                case "refuse":
                    self._bank.refuse(number)
                case "pay_late":
                    seconds = whole(request.form.to_dict(), "seconds", 20, most=86_400)
                    self._bank.pay_later(number, seconds)
                case _:
                    raise NotFound("no such action")
        except Refused as error:
            return self._cashier(request, self._order(number), problem=str(error))
        self._courier.wake()
        return redirect(f"{request.script_root}/cashier/{number}", 303)

    def _order(self, number: str) -> Row:
        try:
            return self._bank.order(number)
        except Refused as error:
            raise NotFound(str(error)) from None

    def _cashier(self, request: Request, order: Row, problem: str = "") -> Response:
        details = self._control.describe(order)
        pays_at, payments = details["pays_at"], self._bank.payments(order["no"])
        wait = max(0, round(pays_at - time.time())) if isinstance(pays_at, float) else None
        # As at UnionPay, "back to the shop" posts the signed result; it proves nothing there.
        result = self._gateway.notice(payments[0]["query_id"]) if payments else {}
        return self._pages.show(
            request,
            "cashier.html",
            order=order,
            amount=Money.from_fen(order["fen"]).format(),
            method="手机页面" if order["channel"] == "08" else "电脑页面",
            payments=payments,
            result=result,
            over=timed_out(order),
            wait=wait,
            problem=problem,
        )

    # The merchant's server

    def _answer(self, request: Request, call: Call) -> Response:
        """A signed answer, slowly or not at all if the levers say so."""
        setting = self._store.setting
        time.sleep(int(setting("latency_ms")) / 1000)
        fails = random.randrange(100) < int(setting("fail_percent"))
        if fails and setting("fail_when") == "before":
            return Response("upstream failure", status=502)
        params = _params(request)
        try:
            self._gateway.checked(params)
            answer = self._gateway.answer(params, call(params))
        except Refused as error:
            answer = self._gateway.answer(params, {}, error.code, str(error))
        if fails:
            return Response("upstream failure", status=502)
        return Response(write_answer(answer), mimetype="text/plain")

    # Levers

    def _lever(self, request: Request, number: str, action: str) -> Response:
        try:
            answer = self._control.act(number, action, request.values.to_dict())
        except NoSuchOrder as error:
            return answer_json({"error": str(error)}, status=404)
        except Refused as error:
            return answer_json({"error": str(error)}, status=409)
        self._courier.wake()
        return answer_json(answer)


def _params(request: Request) -> dict[str, str]:
    """The form; a name given twice is refused."""
    pairs = list(request.form.items(multi=True))
    if len({name for name, _ in pairs}) != len(pairs):
        raise BadRequest("a field is given twice")
    return dict(pairs)
