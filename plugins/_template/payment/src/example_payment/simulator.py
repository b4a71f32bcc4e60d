"""A stand-in of the gateway that speaks its protocol over HTTP, for the demo and for tests."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.routing import Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from example_payment.bank import Bank, Refused
from example_payment.signing import is_signed, notice_content, signature
from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.courier import Callback, Courier
from kameng_sdk.simulation.levers import Levers, troubled
from kameng_sdk.simulation.site import Site, View, answer_json
from kameng_sdk.simulation.store import Row
from kameng_sdk.simulators import SimulatorEnvironment, StartResponse

ACCOUNT = "demo"
KEY = "demo-key-of-the-simulator"
PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>模拟收银台</title>
<body><h1>模拟收银台</h1><p>这是模拟收银台，不会真的扣钱。</p>
<form method="post"><button>付款</button></form></body></html>"""


class ExampleSimulator:
    """The bank keeps the money; here is the protocol, the cashier, and the levers."""

    name = "payment-example".partition("-")[2]

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self.base_url = environment.url_of(self.name)
        self.bank = Bank(environment.folder_of(self.name) / "bank.sqlite3")
        self._site = Site(
            _rules(), self._views(),
            pages=CashierPages("kameng_sdk.simulation", environment.public_name, {}),
            levers=Levers(self.bank.store), ledger=self.bank,
        )  # fmt: skip
        self._courier = Courier(
            self.bank.store, prepare=self._notice, each_round=lambda: None,
            accepted=lambda status, text: status == 200 and text.strip() == "ok",
        )  # fmt: skip
        self._courier.ensure_running()

    def close(self) -> None:
        """Stop the courier; what was not delivered waits in the store."""
        self._courier.stop()

    def wsgi_app(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request, by any thread."""
        self._courier.ensure_running()
        return self._site(environ, start_response)

    def demo_config(self) -> dict[str, str | int | bool]:
        """What the plugin needs to talk to this."""
        return {"base_url": self.base_url, "account": ACCOUNT, "key": KEY}

    def _views(self) -> dict[str, View]:
        return {
            "charge": self._signed(self._charge),
            "query": self._signed(lambda asked: self._shown(asked["number"])),
            "close": self._signed(self._close),
            "refund": self._signed(self.bank.refund),
            "cashier": self._cashier,
            "control": self._control,
        }

    def _signed(self, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> View:
        def view(request: Request) -> Response:
            body = request.get_data()
            sound = request.headers.get("X-Account") == ACCOUNT
            if not sound or not is_signed(KEY, body, request.headers.get("X-Signature", "")):
                return answer_json({"code": "bad_signature"})
            return troubled(self.bank.store, lambda: _answered(answer, body))

        return view

    def _charge(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.bank.open(asked, secrets.token_hex(8))
        return self._shown(asked["number"])

    def _close(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.bank.close(asked["number"])
        return self._shown(asked["number"])

    def _shown(self, number: str) -> dict[str, Any]:
        charge = self.bank.find(number)
        return {"charge": {**charge, "url": f"{self.base_url}/pay/{charge['ref']}"}}

    def _cashier(self, request: Request, ref: str) -> Response:
        charge = self.bank.by_ref(ref)
        if charge is None:
            raise NotFound("no such charge")
        if request.method == "GET":
            return Response(PAGE, mimetype="text/html")
        self._pay(str(charge["number"]))
        return redirect(str(charge["return_url"]), 303)

    def _control(self, request: Request, number: str, action: str) -> Response:
        try:
            charge = self.bank.find(number)
        except Refused as refused:
            return answer_json({"error": refused.code}, status=404)
        if action == "pay":
            self._pay(number)
        elif action == "notify":
            self.bank.announce(number)
            self._courier.wake()
        else:
            raise NotFound("no such action")
        return answer_json(charge)

    def _pay(self, number: str) -> None:
        self.bank.pay(number)
        self._courier.wake()

    def _notice(self, row: Row) -> Callback:
        charge = self.bank.find(row["subject"])
        told = {name: charge[name] for name in ("number", "ref", "fen", "paid_at")}
        body, now = json.dumps(told).encode(), str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Timestamp": now,
            "X-Signature": signature(KEY, notice_content(now, body)),
        }
        return Callback("POST", str(charge["notify_url"]), headers, body)


def _answered(answer: Callable[[dict[str, Any]], dict[str, Any]], body: bytes) -> Response:
    try:
        return answer_json({"code": "ok", **answer(json.loads(body))})
    except Refused as refused:
        return answer_json({"code": refused.code})


def _rules() -> list[Rule]:
    return [
        Rule("/api/charges", endpoint="charge", methods=["POST"]),
        Rule("/api/charges/query", endpoint="query", methods=["POST"]),
        Rule("/api/charges/close", endpoint="close", methods=["POST"]),
        Rule("/api/refunds", endpoint="refund", methods=["POST"]),
        Rule("/pay/<ref>", endpoint="cashier", methods=["GET", "POST"]),
        Rule("/control/out:<number>/<action>", endpoint="control", methods=["POST"]),
    ]
