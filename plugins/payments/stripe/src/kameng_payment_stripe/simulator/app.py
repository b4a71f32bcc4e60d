"""HTTP of the simulator: the API, the checkout page and the levers."""

import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.cashier import CashierPages
from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.gateway import GatewaySimulator
from kameng_sdk.simulators import SimulatorEnvironment

from .api import Api
from .balance import FEE_BP
from .bank import Bank
from .control import Control
from .english import ENGLISH
from .objects import ApiError, Objects
from .store import WORDS, Row, open_store


class StripeSimulator(GatewaySimulator):
    """Stripe's Checkout, refunds and webhooks with pretended money."""

    name, cashier, key, fen = "stripe", "/c/pay", "id", "amount_total"
    refused = unknown = ApiError

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._base_url = environment.url_of(self.name)
        self._store = open_store(environment.folder_of(self.name))
        keep = self._store.keep_first
        self._secret_key = keep("secret_key", f"sk_test_{secrets.token_hex(24)}")
        self._webhook_secret = keep("webhook_secret", f"whsec_{secrets.token_hex(24)}")
        self._bank = Bank(self._store, self._base_url)
        self._api = Api(self._store, self._bank, self._secret_key)
        self._open(
            self._store,
            Control(self._store, self._bank),
            CashierPages(__package__, environment.public_name, ENGLISH),
            rules=[Rule("/v1/<path:rest>", endpoint="api")],
            views={"api": self._serve_api},
            words=WORDS,
            prepare=self._callback,
            accepted=lambda status, text: 200 <= status < 300,
            each_round=self._bank.do_what_is_due,
        )

    def demo_config(self) -> dict[str, str | int | bool]:
        """Form values for the real plugin."""
        return {
            "secret_key": self._secret_key,
            "webhook_secret": self._webhook_secret,
            "gateway_url": self._base_url,
            "fee_bp": FEE_BP,
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

    def _return_url(self, order: dict[str, Any]) -> str:
        return str(order["success_url"]).replace("{CHECKOUT_SESSION_ID}", str(order["id"]))

    def _status(self, error: Exception) -> int:
        return error.status if isinstance(error, ApiError) else 409
