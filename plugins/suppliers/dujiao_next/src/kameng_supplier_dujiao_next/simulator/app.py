"""HTTP of the simulator: who may call, and what each address answers."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.sales import Order, Refusal, Refused
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.site import View, answer_json
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.simulators import SimulatorEnvironment

from .catalogue import GOODS, categories, product_id, products, yuan
from .orders import detail, notice, placed

SKEW_S = 60
CALLBACK_PATH = "/api/v1/upstream/callback"
NO = {
    Refusal.NO_GOODS: (400, "sku_unavailable"),
    Refusal.OFF_SHELF: (400, "product_unavailable"),
    Refusal.OUT_OF_STOCK: (409, "insufficient_stock"),
    Refusal.BAD_INPUT: (400, "bad_request"),
    Refusal.NO_ORDER: (404, "order_not_found"),
    Refusal.TOO_LATE: (409, "cancel_not_allowed"),
}
Fields = Mapping[str, Any]


class Problem(Exception):
    """An error of the protocol."""

    def __init__(self, status: int, code: str, about: Fields | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.about = status, code, dict(about or {})

    def response(self) -> Response:
        """As the site says it."""
        said = {"ok": False, "error_code": self.code, "error_message": f"simulated: {self.code}"}
        return answer_json(said | self.about, self.status)


class DujiaoSimulator(SupplierSimulator):
    """A dujiao-next site on which nothing is real but the protocol."""

    name = "dujiao-next"
    title = "独角数卡 Next"
    goods: ClassVar[tuple[Goods, ...]] = GOODS
    page_most: ClassVar[int] = 100

    def __init__(self, environment: SimulatorEnvironment) -> None:
        super().__init__(environment)
        self._key = self.store.keep_first("api_key", f"dj_{secrets.token_hex(12)}")
        self._secret = self.store.keep_first("api_secret", secrets.token_hex(24))

    def demo_config(self) -> dict[str, str | int | bool]:
        """Form values for the real plugin."""
        return {
            "base_url": self.base_url,
            "api_key": self._key,
            "api_secret": self._secret,
            "low_balance": "100",
        }

    def rules(self) -> list[Rule]:
        """The upstream API."""
        root = "/api/v1/upstream"
        return [
            Rule(f"{root}/ping", endpoint="ping", methods=["POST"]),
            Rule(f"{root}/categories", endpoint="categories", methods=["GET"]),
            Rule(f"{root}/products", endpoint="products", methods=["GET"]),
            Rule(f"{root}/products/<int:number>", endpoint="product", methods=["GET"]),
            Rule(f"{root}/orders", endpoint="buy", methods=["POST"]),
            Rule(f"{root}/orders/<int:number>", endpoint="order", methods=["GET"]),
            Rule(f"{root}/orders/<int:number>/cancel", endpoint="cancel", methods=["POST"]),
        ]

    def views(self) -> Mapping[str, View]:
        """Each behind the door."""
        return {
            "ping": self._door(lambda request: self._ping()),
            "categories": self._door(
                lambda request: {"ok": True, "categories": categories(self.warehouse.shelf.all())}
            ),
            "products": self._door(self._products),
            "product": self._door(self._product),
            "buy": self._door(self._buy, buys=True),
            "order": self._door(self._order),
            "cancel": self._door(self._cancel),
        }

    def system_error(self) -> Response:
        """HTTP 200 that says neither yes nor a documented no."""
        return Problem(200, "internal_error").response()

    def accepted(self, status: int, text: str) -> bool:
        """The receiver says so in JSON."""
        try:
            said = json.loads(text)
        except ValueError:
            return False
        return status == 200 and isinstance(said, dict) and said.get("ok") is True

    def callback(self, order: Order, *, forged: bool) -> Callback:
        """Signed over one path for all receivers."""
        now = int(time.time())
        body = json.dumps(notice(order, now), ensure_ascii=False).encode()
        key = secrets.token_hex(24) if forged else self._secret
        headers = {
            "Content-Type": "application/json",
            "Dujiao-Next-Api-Key": self._key,
            "Dujiao-Next-Timestamp": str(now),
            "Dujiao-Next-Signature": _sign(key, "POST", CALLBACK_PATH, str(now), body),
        }
        return Callback("POST", order.notify_url, headers, body)

    # The door

    def _door(self, answer: Callable[..., Fields], *, buys: bool = False) -> View:
        def view(request: Request, **values: Any) -> Response:
            def checked() -> Response:
                try:
                    self._check(request)
                    return answer_json(answer(request, **values))
                except Problem as problem:
                    return problem.response()

            return self.lying(checked, buys=buys)

        return view

    def _check(self, request: Request) -> None:
        given = [request.headers.get(f"Dujiao-Next-{name}", "") for name in HEADERS]
        key, timestamp, sign = given
        if not all(given):
            raise Problem(401, "missing_auth_headers")
        if not (timestamp.isascii() and timestamp.isdecimal()):
            raise Problem(401, "invalid_timestamp")
        if abs(time.time() - int(timestamp)) > SKEW_S:
            raise Problem(401, "timestamp_expired")
        if key != self._key:
            raise Problem(401, "invalid_api_key")
        path = request.script_root + request.path
        right = _sign(self._secret, request.method, path, timestamp, request.get_data())
        if not hmac.compare_digest(right.encode(), sign.encode()):
            raise Problem(401, "invalid_signature")

    # Behind it

    def _ping(self) -> Fields:
        return {
            "ok": True,
            "site_name": "模拟站点",
            "protocol_version": "1.0",
            "user_id": 42,
            "balance": yuan(self.warehouse.balance()),
            "currency": "CNY",
            "member_level": {"id": 1, "name": {"zh-CN": "黄金会员"}, "slug": "gold", "icon": ""},
        }

    def _products(self, request: Request) -> Fields:
        page = request.args.get("page", 1, type=int)
        size = min(self.page_most, max(1, request.args.get("page_size", 20, type=int)))
        active = [one for one in products(self.warehouse.shelf.all()) if one["is_active"]]
        shown = active[(page - 1) * size : page * size]
        return {"ok": True, "items": shown, "total": len(active), "page": page, "page_size": size}

    def _product(self, request: Request, number: int) -> Fields:
        same = [one for one in self.warehouse.shelf.all() if product_id(one) == number]
        if not same:
            raise Problem(404, "product_not_found")
        (product,) = products(same)
        if not product["is_active"]:
            raise Problem(404, "product_unavailable")
        return {"ok": True, "product": product}

    def _buy(self, request: Request) -> Fields:
        wish = _wish(request)
        try:
            order = self.warehouse.place(
                number=wish["downstream_order_no"],
                ref=self._article(wish["sku_id"]),
                quantity=wish["quantity"],
                inputs=wish["manual_form_data"],
                notify_url=wish["callback_url"],
            )
        except Refused as error:
            if error.first is not None:
                return placed(error.first)
            if error.why is Refusal.NO_BALANCE:
                # The order is made, cannot be paid, and is canceled at once.
                gone = {"order_id": secrets.randbelow(10**9), "status": "canceled"}
                raise Problem(200, "payment_failed", gone) from None
            raise Problem(*NO[error.why]) from None
        return placed(order)

    def _article(self, sku_id: int) -> str:
        known = (article.ref for article in self.warehouse.shelf.all())
        return next((ref for ref in known if ref.endswith(f":{sku_id}")), "")

    def _order(self, request: Request, number: int) -> Fields:
        order = self.warehouse.find(ref=str(number))
        if order is None:
            raise Problem(404, "order_not_found")
        return detail(order)

    def _cancel(self, request: Request, number: int) -> Fields:
        try:
            return placed(self.warehouse.cancel(ref=str(number)))
        except Refused as error:
            raise Problem(*NO[error.why]) from None


HEADERS = ("Api-Key", "Timestamp", "Signature")


def _sign(secret: str, method: str, path: str, timestamp: str, body: bytes) -> str:
    """Written apart from the plugin's: a mistake in one of them shows."""
    digest = hashlib.new("md5", body, usedforsecurity=False).hexdigest()
    mac = hmac.new(bytes(secret, "utf-8"), digestmod="sha256")
    mac.update(f"{method}\n{path}\n{timestamp}\n{digest}".encode())
    return mac.hexdigest()


def _wish(request: Request) -> dict[str, Any]:
    """The order as asked; of an address only the scheme is looked at, since demos are local."""
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict):
        raise Problem(400, "bad_request")
    wish: dict[str, Any] = {"downstream_order_no": "", "manual_form_data": {}, "callback_url": ""}
    wish |= asked
    whole = type(wish.get("sku_id")) is int and type(wish.get("quantity")) is int
    if not whole or wish["quantity"] < 1 or not isinstance(wish["manual_form_data"], dict):
        raise Problem(400, "bad_request")
    if wish["callback_url"] and not wish["callback_url"].startswith(("http://", "https://")):
        raise Problem(400, "invalid_callback_url")
    return wish
