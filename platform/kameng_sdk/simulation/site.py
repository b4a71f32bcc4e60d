"""HTTP of a simulator: its own routes, and those that all have (assets, levers, orders, bill)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.levers import Levers
from kameng_sdk.simulators import StartResponse

View = Callable[..., Response]


class Ledger(Protocol):
    """What a simulator knows of its payments."""

    def orders(self, reference: str) -> Mapping[str, Any]:
        """The newest orders, or those with the merchant's number `reference`."""
        ...

    def bill(self) -> str:
        """All movements of money as CSV."""
        ...


class Site:
    """Routes to views; a view is called with the request and the values of its rule."""

    def __init__(
        self,
        rules: Iterable[Rule],
        views: Mapping[str, View],
        *,
        pages: CashierPages,
        levers: Levers,
        ledger: Ledger,
    ) -> None:
        self._pages, self._levers, self._ledger = pages, levers, ledger
        self._views = {**self._common_views(), **views}
        self._routes = Map([*_common_rules(), *rules])

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        try:
            endpoint, values = self._routes.bind_to_environ(environ).match()
            response = self._views[endpoint](request, **values)
        except HTTPException as error:
            response = Response(error.description or "", status=error.code or 500)
        return response(environ, start_response)

    def _common_views(self) -> dict[str, View]:
        return {
            "asset": lambda request, name: self._pages.asset(name),
            "settings": self._settings,
            "orders": lambda request: answer_json(
                self._ledger.orders(request.args.get("out_trade_no", ""))
            ),
            "bill": lambda request: Response(self._ledger.bill(), mimetype="text/csv"),
        }

    def _settings(self, request: Request) -> Response:
        if request.method == "POST":
            return answer_json(self._levers.change(request.values.to_dict()))
        return answer_json(self._levers.show())


def answer_json(answer: Mapping[str, Any], status: int = 200) -> Response:
    """A JSON answer."""
    text = json.dumps(answer, ensure_ascii=False)
    return Response(text, status=status, mimetype="application/json")


def _common_rules() -> list[Rule]:
    return [
        Rule("/<any('cashier.css', 'icon.svg'):name>", endpoint="asset", methods=["GET"]),
        Rule("/control/settings", endpoint="settings", methods=["GET", "POST"]),
        Rule("/control/orders", endpoint="orders", methods=["GET"]),
        Rule("/control/bill", endpoint="bill", methods=["GET"]),
    ]
