"""HTTP of the simulator: routes to the gateway, the cashier page and the levers."""

import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.routing import Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from kameng_sdk.money import Money
from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.courier import Courier
from kameng_sdk.simulation.levers import Levers, whole
from kameng_sdk.simulation.site import Site, View, answer_json
from kameng_sdk.simulators import SimulatorEnvironment, StartResponse

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
        Rule("/cashier/<trade_no>", endpoint="cashier", methods=["GET"]),
        Rule("/cashier/<trade_no>/<action>", endpoint="cashier_action", methods=["POST"]),
        Rule("/control/<trade_no>/<action>", endpoint="control", methods=["POST"]),
    ]


class EpaySimulator:
    """An epay gateway on which nothing is real but the protocol."""

    name = "epay"

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._base_url = environment.url_of(self.name)
        self._store = open_store(environment.folder_of(self.name))
        self._keys = load_keys(self._store)
        self._bank = Bank(self._store)
        self._gateway = Gateway(self._bank, self._keys, self._base_url)
        self._control = Control(self._bank)
        self._pages = CashierPages(__package__, environment.public_name, ENGLISH)
        self._site = Site(
            _rules(),
            self._views(),
            pages=self._pages,
            levers=Levers(self._store),
            ledger=self._control,
        )
        self._courier = Courier(
            self._store,
            prepare=self._gateway.callback,
            accepted=lambda status, text: status == 200 and text.strip() == "success",
            each_round=self._bank.pay_what_is_due,
        )
        # At once, so that notices left by the last run go out without waiting for a request.
        self._courier.ensure_running()

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

    def close(self) -> None:
        """Stop the background threads; undelivered notices wait in the store."""
        self._courier.stop()

    def wsgi_app(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request, by any thread."""
        self._courier.ensure_running()
        return self._site(environ, start_response)

    def _views(self) -> dict[str, View]:
        return {
            "submit": lambda request: self._arrive(self._gateway.submit, request),
            "submit_v2": lambda request: self._arrive(self._gateway.submit_v2, request),
            "cashier": lambda request, trade_no: self._cashier(request, self._order(trade_no)),
            "cashier_action": self._act,
            "mapi": lambda request: self._answer(request, self._gateway.mapi),
            "api": lambda request: self._answer(request, self._gateway.api),
            "v2": self._v2,
            "control": self._lever,
        }

    # The shopper's browser

    def _arrive(self, submit: Callable[[dict[str, str]], Row], request: Request) -> Response:
        try:
            order = submit(_params(request))
        except Refused as error:
            return self._pages.show(request, "unpayable.html", status=400, reason=str(error))
        return redirect(f"{request.script_root}/cashier/{order['trade_no']}", 303)

    def _act(self, request: Request, trade_no: str, action: str) -> Response:
        order = self._order(trade_no)
        number = order["trade_no"]
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
        if action in {"pay", "pay_twice"}:
            return redirect(self._gateway.return_url(order), 303)
        return redirect(f"{request.script_root}/cashier/{number}", 303)

    def _order(self, trade_no: str) -> Row:
        try:
            return self._bank.order(trade_no)
        except Refused as error:
            raise NotFound(str(error)) from None

    def _cashier(self, request: Request, order: Row, problem: str = "") -> Response:
        details = self._control.describe(order)
        pays_at = details["pays_at"]
        wait = max(0, round(pays_at - time.time())) if isinstance(pays_at, float) else None
        return self._pages.show(
            request,
            "cashier.html",
            order=order,
            amount=Money.from_fen(order["fen"]).format(),
            method=METHODS.get(order["type"], order["type"]),
            payments=details["payments"],
            wait=wait,
            problem=problem,
        )

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
        setting = self._store.setting
        time.sleep(int(setting("latency_ms")) / 1000)
        fails = random.randrange(100) < int(setting("fail_percent"))
        if fails and setting("fail_when") == "before":
            return Response("upstream failure", status=502)
        try:
            answer = call(_params(request))
        except Refused as error:
            answer = {"code": -1, "msg": str(error)}
        return Response("upstream failure", status=502) if fails else answer_json(answer)

    # Levers

    def _lever(self, request: Request, trade_no: str, action: str) -> Response:
        try:
            answer = self._control.act(trade_no, action, request.values.to_dict())
        except NoSuchOrder as error:
            return answer_json({"error": str(error)}, status=404)
        except Refused as error:
            return answer_json({"error": str(error)}, status=409)
        self._courier.wake()
        return answer_json(answer)


def _params(request: Request) -> dict[str, str]:
    """Query and form together; a name given twice is refused."""
    pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
    if len({name for name, _ in pairs}) != len(pairs):
        raise BadRequest("a parameter is given twice")
    return dict(pairs)
