"""HTTP of the simulator: the API, the checkout page and the levers."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.routing import Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from kameng_sdk.money import Money
from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.courier import Callback, Courier
from kameng_sdk.simulation.levers import Levers, whole
from kameng_sdk.simulation.site import Site, View, answer_json
from kameng_sdk.simulators import SimulatorEnvironment, StartResponse

from .api import Api
from .balance import FEE_BP
from .bank import Bank
from .control import Control
from .english import ENGLISH
from .objects import ApiError, Objects
from .store import WORDS, Row, open_store


def _rules() -> list[Rule]:
    return [
        Rule("/v1/<path:rest>", endpoint="api"),
        Rule("/c/pay/<ident>", endpoint="page", methods=["GET"]),
        Rule("/c/pay/<ident>/<action>", endpoint="page_action", methods=["POST"]),
        Rule("/control/<ident>/<action>", endpoint="control", methods=["POST"]),
    ]


class StripeSimulator:
    """Stripe's Checkout, refunds and webhooks with pretended money."""

    name = "stripe"

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._base_url = environment.url_of(self.name)
        self._store = open_store(environment.folder_of(self.name))
        keep = self._store.keep_first
        self._secret_key = keep("secret_key", f"sk_test_{secrets.token_hex(24)}")
        self._webhook_secret = keep("webhook_secret", f"whsec_{secrets.token_hex(24)}")
        self._bank = Bank(self._store, self._base_url)
        self._api = Api(self._store, self._bank, self._secret_key)
        self._control = Control(self._store, self._bank)
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
            prepare=self._callback,
            accepted=lambda status, text: 200 <= status < 300,
            each_round=self._bank.do_what_is_due,
        )
        # At once, so that events left by the last run go out without waiting for a request.
        self._courier.ensure_running()

    def demo_config(self) -> dict[str, str | int | bool]:
        """Form values for the real plugin."""
        return {
            "secret_key": self._secret_key,
            "webhook_secret": self._webhook_secret,
            "gateway_url": self._base_url,
            "fee_bp": FEE_BP,
        }

    def close(self) -> None:
        """Stop the background threads; undelivered events wait in the store."""
        self._courier.stop()

    def wsgi_app(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request, by any thread."""
        self._courier.ensure_running()
        return self._site(environ, start_response)

    def _views(self) -> dict[str, View]:
        return {
            "api": self._serve_api,
            "page": self._page,
            "page_action": self._act,
            "control": self._lever,
        }

    def _serve_api(self, request: Request, rest: str) -> Response:
        response = self._api.respond(request)
        self._courier.wake()
        return response

    def _callback(self, row: Row) -> Callback:
        """The event, signed at this moment as Stripe signs each delivery anew."""
        with self._store.read() as db:
            event = Objects(db).get("event", row["subject"])
        body = json.dumps(event, ensure_ascii=False).encode()
        signed_at = str(int(time.time()))
        text = signed_at.encode() + b"." + body
        sign = hmac.new(self._webhook_secret.encode(), text, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": f"t={signed_at},v1={sign}",
            "User-Agent": "Stripe/1.0 (simulator)",
        }
        return Callback("POST", row["url"], headers, body)

    # The shopper's browser

    def _act(self, request: Request, ident: str, action: str) -> Response:
        if action not in {"pay", "pay_twice", "pay_late", "refuse"}:
            raise NotFound("no such action")
        seconds = whole(request.form.to_dict(), "seconds", 20, most=86_400)
        try:
            session = self._control.act(ident, action, {"seconds": str(seconds)})
        except ApiError as error:
            return self._page(request, ident, problem=str(error))
        self._courier.wake()
        if action in {"pay", "pay_twice"}:
            done = str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", ident)
            return redirect(done, 303)
        return redirect(f"{request.script_root}/c/pay/{ident}", 303)

    def _page(self, request: Request, ident: str, problem: str = "") -> Response:
        try:
            with self._store.read() as db:
                session = self._control.describe(Objects(db), ident)
        except ApiError:
            raise NotFound("no such session") from None
        return self._pages.show(
            request,
            "cashier.html",
            session=session,
            amount=Money.from_fen(session["amount_total"]).format(),
            wait=_seconds_until(session["pays_at"]),
            problem=problem,
        )

    # Levers

    def _lever(self, request: Request, ident: str, action: str) -> Response:
        try:
            answer = self._control.act(ident, action, request.values.to_dict())
        except ApiError as error:
            return answer_json({"error": str(error)}, status=error.status)
        self._courier.wake()
        return answer_json(answer)


def _seconds_until(moment: float | None) -> int | None:
    return None if moment is None else max(0, round(moment - time.time()))
