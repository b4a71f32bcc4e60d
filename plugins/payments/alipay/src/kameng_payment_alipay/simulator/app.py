"""HTTP of the simulator: gateway.do, the cashier page, the bill's file and the levers."""

import hmac
import time
from datetime import datetime
from typing import Any

from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.gateway import GatewaySimulator
from kameng_sdk.simulation.levers import troubled
from kameng_sdk.simulation.site import View, answer_json
from kameng_sdk.simulators import SimulatorEnvironment

from .bank import Bank, NoSuchTrade, Refused, is_closed
from .bills import bill_file
from .control import Control
from .english import ENGLISH
from .gateway import Gateway
from .keys import load_keys
from .news import News
from .store import WORDS, open_store
from .trades import Trades
from .transfers import Transfers

METHODS = {"page": "电脑网站支付", "wap": "手机网站支付", "qr": "扫码支付"}


def _rules() -> list[Rule]:
    return [
        Rule("/gateway.do", endpoint="gateway", methods=["GET", "POST"]),
        Rule("/qr/<trade_no>", endpoint="scan", methods=["GET"]),
        Rule("/downloadBillFile.resource", endpoint="bill_file", methods=["GET"]),
        Rule("/control/payouts", endpoint="payouts", methods=["GET"]),
        Rule("/control/payouts/<out_biz_no>/<action>", endpoint="payout", methods=["POST"]),
    ]


class AlipaySimulator(GatewaySimulator):
    """An Alipay on which nothing is real but the protocol."""

    name, refused, unknown = "alipay", Refused, NoSuchTrade
    _control: Control

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._base_url = environment.url_of(self.name)
        self._store = open_store(environment.folder_of(self.name))
        self._keys = load_keys(self._store)
        self._bank, transfers = Bank(self._store), Transfers(self._store)
        self._trades = Trades(self._bank, transfers, self._keys, self._base_url)
        self._gateway = Gateway(self._trades, self._keys)
        self._news = News(self._bank, self._keys)
        self._open(
            self._store,
            Control(self._bank, transfers),
            CashierPages(__package__, environment.public_name, ENGLISH),
            rules=_rules(),
            views=self._views(),
            words=WORDS,
            prepare=self._news.callback,
            # Exactly these seven characters, as Alipay wants them.
            accepted=lambda status, text: status == 200 and text == "success",
            each_round=self._bank.pay_what_is_due,
        )

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

    def _views(self) -> dict[str, View]:
        return {
            "gateway": self._ask,
            "scan": self._scan,
            "bill_file": self._bill_file,
            "payouts": lambda request: answer_json(self._control.payouts()),
            "payout": self._settle_payout,
        }

    # The shopper's browser

    def _arrive(self, request: Request, params: dict[str, str]) -> Response:
        try:
            order = self._gateway.page(params)
        except Refused as error:
            return self._refused(request, error)
        return self._to_cashier(request, order["trade_no"])

    def _refused(self, request: Request, error: Refused) -> Response:
        return self._pages.show(request, "unpayable.html", status=400, reason=error.text)

    def _scan(self, request: Request, trade_no: str) -> Response:
        order = self._order(trade_no)
        self._bank.begin(order["trade_no"])
        return self._to_cashier(request, order["trade_no"])

    def _facts(self, order: dict[str, Any]) -> dict[str, Any]:
        return {
            "done": self._news.return_url(order),
            "method": METHODS[order["kind"]],
            "closed": is_closed(order),
        }

    def _return_url(self, order: dict[str, Any]) -> str:
        return self._news.return_url(order)

    # The merchant's server

    def _ask(self, request: Request) -> Response:
        """Answer slowly or not at all if the levers say so."""
        params = _params(request)
        if self._gateway.is_page(params):
            return self._arrive(request, params)

        def answer() -> Response:
            text = self._gateway.answer(params)
            self._courier.wake()
            return Response(text, content_type="text/html;charset=utf-8")  # as Alipay says it

        return troubled(self._store, answer)

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
