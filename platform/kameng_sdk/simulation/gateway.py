"""What simulators of gateways do alike: show a cashier, act on it, deliver notices, stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol

from werkzeug.exceptions import NotFound
from werkzeug.routing import Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from kameng_sdk.money import Money
from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.courier import Callback, Courier
from kameng_sdk.simulation.levers import WORDS, Levers
from kameng_sdk.simulation.site import Ledger, Site, View, answer_json
from kameng_sdk.simulation.store import Row, Store
from kameng_sdk.simulators import StartResponse

ACTIONS = {"pay", "pay_twice", "pay_late", "refuse"}


class Acting(Ledger, Protocol):
    """A `Control`, or what a gateway with other tables has instead."""

    def act(self, asked: str, action: str, params: dict[str, str], /) -> dict[str, Any]:
        """Do as the shopper would; returns the order as it stands then."""
        ...

    def show(self, number: str, /) -> dict[str, Any]:
        """One order; `pays_at` is when it pays by itself, or None."""
        ...


class GatewaySimulator:
    """A subclass makes its parts and ends its `__init__` with `_open`."""

    name: ClassVar[str]
    """The plugin's short name."""

    cashier: ClassVar[str] = "/cashier"
    """Path of the cashier; an order's number follows."""

    key: ClassVar[str] = "trade_no"
    """What an order calls its number."""

    fen: ClassVar[str] = "fen"
    """What an order calls its amount."""

    refused: ClassVar[type[Exception]]
    """How the bank says no."""

    unknown: ClassVar[type[Exception]]
    """How it says that there is no such order."""

    def _open(
        self,
        store: Store,
        control: Acting,
        pages: CashierPages,
        *,
        rules: Iterable[Rule],
        views: Mapping[str, View],
        words: Mapping[str, set[str]] = WORDS,
        prepare: Callable[[Row], Callback],
        accepted: Callable[[int, str], bool],
        each_round: Callable[[], None],
    ) -> None:
        """Begin: `prepare`, `accepted` and `each_round` are the courier's, the rest the site's."""
        self._control, self._pages = control, pages
        self._site = Site(
            [*self._common_rules(), *rules],
            {**self._common_views(), **views},
            pages=pages,
            levers=Levers(store, words),
            ledger=control,
        )
        self._courier = Courier(store, prepare=prepare, accepted=accepted, each_round=each_round)
        # At once, so that notices left by the last run go out without waiting for a request.
        self._courier.ensure_running()

    def close(self) -> None:
        """Stop the background threads; undelivered notices wait in the store."""
        self._courier.stop()

    def wsgi_app(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request, by any thread."""
        self._courier.ensure_running()
        return self._site(environ, start_response)

    # What a gateway says of its own

    def _facts(self, order: dict[str, Any]) -> dict[str, Any]:
        """More that its page is told."""
        return {}

    def _return_url(self, order: dict[str, Any]) -> str:
        """Where the shopper goes after paying; empty: stays."""
        return ""

    def _status(self, error: Exception) -> int:
        """HTTP status of a refused lever."""
        return 404 if isinstance(error, self.unknown) else 409

    # The shopper's browser

    def _to_cashier(self, request: Request, number: str) -> Response:
        return redirect(f"{request.script_root}{self.cashier}/{number}", 303)

    def _order(self, number: str) -> dict[str, Any]:
        try:
            return self._control.show(number)
        except self.refused as error:
            raise NotFound(str(error)) from None

    def _show(self, request: Request, number: str, problem: str = "") -> Response:
        order = self._order(number)
        pays_at = order["pays_at"]
        return self._pages.show(
            request,
            "cashier.html",
            order=order,
            amount=Money.from_fen(order[self.fen]).format(),
            payments=order.get("payments", []),
            wait=None if pays_at is None else max(0, round(pays_at - time.time())),
            problem=problem,
            **self._facts(order),
        )

    def _act(self, request: Request, number: str, action: str) -> Response:
        if action not in ACTIONS:
            raise NotFound("no such action")
        number = str(self._order(number)[self.key])
        params = {name: value for name, value in request.form.items() if name == "seconds"}
        try:
            order = self._control.act(number, action, params)
        except self.refused as error:
            return self._show(request, number, problem=str(error))
        self._courier.wake()
        back = self._return_url(order) if action in {"pay", "pay_twice"} else ""
        return redirect(back, 303) if back else self._to_cashier(request, number)

    # Levers

    def _lever(self, request: Request, number: str, action: str) -> Response:
        try:
            answer = self._control.act(number, action, request.values.to_dict())
        except self.refused as error:
            return answer_json({"error": str(error)}, status=self._status(error))
        self._courier.wake()
        return answer_json(answer)

    def _common_rules(self) -> list[Rule]:
        page = f"{self.cashier}/<number>"
        return [
            Rule(page, endpoint="cashier", methods=["GET"]),
            Rule(f"{page}/<action>", endpoint="cashier_action", methods=["POST"]),
            Rule("/control/<number>/<action>", endpoint="control", methods=["POST"]),
        ]

    def _common_views(self) -> dict[str, View]:
        return {"cashier": self._show, "cashier_action": self._act, "control": self._lever}
