"""HTTP of the simulator: the API, the checkout page and the levers."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import Environment, PackageLoader
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from kameng_sdk.money import Money
from kameng_sdk.simulators import SimulatorEnvironment, StartResponse

from .api import Api
from .bank import Bank
from .control import Control, whole
from .courier import Callback, Courier
from .objects import ApiError, Objects, Thing
from .store import Row, Store

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)

ROUTES = Map(
    [
        Rule("/<any('cashier.css', 'icon.svg'):name>", endpoint="asset", methods=["GET"]),
        Rule("/c/pay/<ident>", endpoint="page", methods=["GET"]),
        Rule("/c/pay/<ident>/<action>", endpoint="page_action", methods=["POST"]),
        Rule("/control/settings", endpoint="settings", methods=["GET", "POST"]),
        Rule("/control/orders", endpoint="orders", methods=["GET"]),
        Rule("/control/bill", endpoint="bill", methods=["GET"]),
        Rule("/control/<ident>/<action>", endpoint="control", methods=["POST"]),
    ]
)


class StripeSimulator:
    """Stripe's Checkout, refunds and webhooks with pretended money."""

    name = "stripe"

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._environment = environment
        self._base_url = environment.url_of(self.name)
        self._store = Store(environment.folder_of(self.name) / "stripe.sqlite3")
        keep = self._store.keep_first
        self._secret_key = keep("secret_key", f"sk_test_{secrets.token_hex(24)}")
        self._webhook_secret = keep("webhook_secret", f"whsec_{secrets.token_hex(24)}")
        self._bank = Bank(self._store, self._base_url)
        self._api = Api(self._store, self._bank, self._secret_key)
        self._control = Control(self._store, self._bank)
        self._pages = Environment(loader=PackageLoader(__package__, "pages"), autoescape=True)
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
            "fee_bp": 290,
        }

    def close(self) -> None:
        """Stop the background threads; undelivered events wait in the store."""
        self._courier.stop()

    def wsgi_app(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request, by any thread."""
        self._courier.ensure_running()
        request = Request(environ)
        try:
            if request.path.startswith("/v1/"):
                response = self._api.respond(request)
                self._courier.wake()
            else:
                response = self._dispatch(request)
        except HTTPException as error:
            response = Response(error.description or "", status=error.code or 500)
        return response(environ, start_response)

    def _dispatch(self, request: Request) -> Response:
        endpoint, values = ROUTES.bind_to_environ(request.environ).match()
        view: Callable[..., Response] = getattr(self, f"_on_{endpoint}")
        return view(request, **values)

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

    def _on_asset(self, request: Request, name: str) -> Response:
        kind = "text/css" if name.endswith(".css") else "image/svg+xml"
        source = self._pages.get_template(name).render()
        return Response(source, mimetype=kind, headers={"Cache-Control": "max-age=300"})

    def _on_page(self, request: Request, ident: str) -> Response:
        return self._page(request, ident)

    def _on_page_action(self, request: Request, ident: str, action: str) -> Response:
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
        text = self._pages.get_template("cashier.html").render(
            root=request.script_root,
            operator=self._environment.public_name,
            session=session,
            amount=Money.from_fen(session["amount_total"]).format(),
            wait=_seconds_until(session["pays_at"]),
            problem=problem,
        )
        headers = {"Content-Security-Policy": CSP, "Cache-Control": "no-store"}
        headers |= {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
        return Response(text, mimetype="text/html", headers=headers)

    # Levers

    def _on_control(self, request: Request, ident: str, action: str) -> Response:
        try:
            answer = self._control.act(ident, action, request.values.to_dict())
        except ApiError as error:
            return _json({"error": str(error)}, status=error.status)
        self._courier.wake()
        return _json(answer)

    def _on_settings(self, request: Request) -> Response:
        if request.method == "POST":
            return _json(self._control.change_settings(request.values.to_dict()))
        return _json(self._control.settings())

    def _on_orders(self, request: Request) -> Response:
        return _json(self._control.orders(request.args.get("out_trade_no", "")))

    def _on_bill(self, request: Request) -> Response:
        return Response(self._control.bill(), mimetype="text/csv")


def _seconds_until(moment: float | None) -> int | None:
    return None if moment is None else max(0, round(moment - time.time()))


def _json(answer: Thing, status: int = 200) -> Response:
    text = json.dumps(answer, ensure_ascii=False)
    return Response(text, status=status, mimetype="application/json")
