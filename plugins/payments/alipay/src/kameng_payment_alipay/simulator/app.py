"""HTTP of the simulator: gateway.do, the cashier page, the bill's file and the levers."""

import hmac
import random
import time
from collections.abc import Iterable
from datetime import datetime
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

from .bank import Bank, NoSuchTrade, Refused, is_closed
from .bills import bill_file
from .control import Control
from .english import ENGLISH
from .gateway import Gateway
from .keys import load_keys
from .news import News
from .store import WORDS, Row, open_store
from .trades import Trades
from .transfers import Transfers

METHODS = {"page": "电脑网站支付", "wap": "手机网站支付", "qr": "扫码支付"}


def _rules() -> list[Rule]:
    return [
        Rule("/gateway.do", endpoint="gateway", methods=["GET", "POST"]),
        Rule("/qr/<trade_no>", endpoint="scan", methods=["GET"]),
        Rule("/cashier/<trade_no>", endpoint="cashier", methods=["GET"]),
        Rule("/cashier/<trade_no>/<action>", endpoint="cashier_action", methods=["POST"]),
        Rule("/downloadBillFile.resource", endpoint="bill_file", methods=["GET"]),
        Rule("/control/payouts", endpoint="payouts", methods=["GET"]),
        Rule("/control/payouts/<out_biz_no>/<action>", endpoint="payout", methods=["POST"]),
        Rule("/control/<trade_no>/<action>", endpoint="control", methods=["POST"]),
    ]


class AlipaySimulator:
    """An Alipay on which nothing is real but the protocol."""

    name = "alipay"

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._base_url = environment.url_of(self.name)
        self._store = open_store(environment.folder_of(self.name))
        self._keys = load_keys(self._store)
        self._bank, transfers = Bank(self._store), Transfers(self._store)
        self._trades = Trades(self._bank, transfers, self._keys, self._base_url)
        self._gateway = Gateway(self._trades, self._keys)
        self._news = News(self._bank, self._keys)
        self._control = Control(self._bank, transfers)
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
            prepare=self._news.callback,
            # Exactly these seven characters, as Alipay wants them.
            accepted=lambda status, text: status == 200 and text == "success",
            each_round=self._bank.pay_what_is_due,
        )
        # At once, so that notices left by the last run go out without waiting for a request.
        self._courier.ensure_running()

    def demo_config(self) -> dict[str, str | int | bool]:
        """Form values for the real plugin, in certificate mode."""
        return {
            "gateway_url": f"{self._base_url}/gateway.do",
            "app_id": self._keys.app_id,
            "seller_id": self._keys.seller_id,
            "private_key": self._keys.app_private,
            "alipay_public_key": self._keys.alipay_cert,
            "app_cert": self._keys.app_cert,
            "alipay_root_cert": self._keys.root_cert,
            "methods": "page,wap,qr",
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
            "gateway": self._ask,
            "scan": self._scan,
            "cashier": lambda request, trade_no: self._cashier(request, self._order(trade_no)),
            "cashier_action": self._act,
            "bill_file": self._bill_file,
            "payouts": lambda request: answer_json(self._control.payouts()),
            "payout": self._settle_payout,
            "control": self._lever,
        }

    # The shopper's browser

    def _arrive(self, request: Request, params: dict[str, str]) -> Response:
        try:
            order = self._gateway.page(params)
        except Refused as error:
            return self._refused(request, error)
        return redirect(f"{request.script_root}/cashier/{order['trade_no']}", 303)

    def _refused(self, request: Request, error: Refused) -> Response:
        return self._pages.show(request, "unpayable.html", status=400, reason=error.text)

    def _scan(self, request: Request, trade_no: str) -> Response:
        order = self._order(trade_no)
        self._bank.begin(order["trade_no"])
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
            return self._cashier(request, self._order(number), problem=error.text)
        self._courier.wake()
        back = self._news.return_url(order)
        if action in {"pay", "pay_twice"} and back:
            return redirect(back, 303)
        return redirect(f"{request.script_root}/cashier/{number}", 303)

    def _order(self, trade_no: str) -> Row:
        try:
            return self._bank.order(trade_no)
        except NoSuchTrade as error:
            raise NotFound(error.text) from None

    def _cashier(self, request: Request, order: Row, problem: str = "") -> Response:
        details = self._control.describe(order)
        pays_at = details["pays_at"]
        wait = max(0, round(pays_at - time.time())) if isinstance(pays_at, float) else None
        return self._pages.show(
            request,
            "cashier.html",
            order=order,
            done=self._news.return_url(order),
            amount=Money.from_fen(order["fen"]).format(),
            method=METHODS[order["kind"]],
            payments=details["payments"],
            closed=is_closed(order),
            wait=wait,
            problem=problem,
        )

    # The merchant's server

    def _ask(self, request: Request) -> Response:
        """Answer slowly or not at all if the levers say so."""
        params = _params(request)
        if self._gateway.is_page(params):
            return self._arrive(request, params)
        setting = self._store.setting
        time.sleep(int(setting("latency_ms")) / 1000)
        fails = random.randrange(100) < int(setting("fail_percent"))
        if fails and setting("fail_when") == "before":
            return Response("upstream failure", status=502)
        text = self._gateway.answer(params)
        self._courier.wake()
        if fails:
            return Response("upstream failure", status=502)
        return Response(text, content_type="text/html;charset=utf-8")  # as Alipay says it

    def _bill_file(self, request: Request) -> Response:
        """An address is good for thirty seconds."""
        end, _, proof = request.args.get("fileId", "").partition(".")
        try:
            day = datetime.strptime(request.args.get("bizDates", ""), "%Y%m%d").date()
            right = self._trades.link_proof(day, int(end))
        except ValueError:
            raise NotFound("no such file") from None
        if not hmac.compare_digest(proof.encode(), right.encode()) or int(end) < time.time():
            raise NotFound("no such file")
        archive = bill_file(self._store, self._keys.seller_id, day)
        return Response(archive, content_type="application/octet-stream")

    # Levers

    def _lever(self, request: Request, trade_no: str, action: str) -> Response:
        try:
            answer = self._control.act(trade_no, action, request.values.to_dict())
        except NoSuchTrade as error:
            return answer_json({"error": error.text}, status=404)
        except Refused as error:
            return answer_json({"error": error.text}, status=409)
        self._courier.wake()
        return answer_json(answer)

    def _settle_payout(self, request: Request, out_biz_no: str, action: str) -> Response:
        try:
            return answer_json(self._control.settle_payout(out_biz_no, action))
        except Refused as error:
            status = 404 if error.sub_code == "ORDER_NOT_EXIST" else 409
            return answer_json({"error": error.text}, status=status)


def _params(request: Request) -> dict[str, str]:
    """Query and form together; a name given twice is refused."""
    pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
    if len({name for name, _ in pairs}) != len(pairs):
        raise BadRequest("a parameter is given twice")
    return dict(pairs)
