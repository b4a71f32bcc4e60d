"""HTTP of the simulator: the token, and the two APIs behind it."""

import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.money import Money
from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.sales import Order, Refusal, Refused, State
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.site import View, answer_json
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.simulators import SimulatorEnvironment

from .catalogue import (
    CURRENCY,
    GOODS,
    OPERATORS,
    PRODUCTS,
    decimal,
    json_number,
    number_of,
    operator,
    product,
)
from .reports import kind_of, transaction
from .tokens import LIFE_S, Tokens

MEDIA = {"topup": "topups", "giftcard": "giftcards"}
NO = {
    "topup": {
        Refusal.NO_GOODS: "INVALID_AMOUNT_FOR_OPERATOR",
        Refusal.OFF_SHELF: "OPERATOR_UNAVAILABLE_OR_CURRENTLY_INACTIVE",
        Refusal.BAD_INPUT: "INVALID_RECIPIENT_PHONE",
    },
    # For gift cards the documents show this error without a code.
    "giftcard": {Refusal.NO_GOODS: "", Refusal.OFF_SHELF: "", Refusal.BAD_INPUT: ""},
}
ALWAYS = {
    Refusal.NO_BALANCE: "INSUFFICIENT_BALANCE",
    Refusal.DUPLICATE: "DUPLICATE_CUSTOM_IDENTIFIER",
}
WEBHOOK = "webhook_url"


class Problem(Exception):
    """An error of the protocol."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message

    def response(self) -> Response:
        """As Reloadly says it."""
        said: dict[str, Any] = {
            "timeStamp": time.strftime("%Y-%m-%d %H:%M:%S"),
            "message": self.message or f"simulated: {self.code}",
            "path": "", "errorCode": self.code or None, "infoLink": None, "details": [],
        }  # fmt: skip
        return answer_json(said, self.status)


class ReloadlySimulator(SupplierSimulator):
    """A Reloadly on which nothing is real but the protocol."""

    name = "reloadly"
    title = "Reloadly"
    goods: ClassVar[tuple[Goods, ...]] = GOODS
    first_balance = Money.parse("20000", CURRENCY)

    def __init__(self, environment: SimulatorEnvironment) -> None:
        super().__init__(environment)
        self._client_id = self.store.keep_first("client_id", secrets.token_hex(8))
        self._secret = self.store.keep_first("client_secret", secrets.token_urlsafe(24))
        self._hook_secret = self.store.keep_first("webhook_secret", secrets.token_urlsafe(24))
        self.tokens = Tokens(self.store)

    def demo_config(self) -> dict[str, str | int | bool]:
        """Form values for the real plugin."""
        return {
            "client_id": self._client_id,
            "client_secret": self._secret,
            "webhook_secret": self._hook_secret,
            "currency": CURRENCY,
            "rate": "7.3",
            "sender_name": "Kameng",
            "low_balance": "500",
            "auth_url": f"{self.base_url}/auth",
            "topups_url": f"{self.base_url}/topups",
            "giftcards_url": f"{self.base_url}/giftcards",
        }

    def rules(self) -> list[Rule]:
        """Three hosts of the original as three folders here."""
        any_api = "/<any(topups, giftcards):api>"
        return [
            Rule("/auth/oauth/token", endpoint="token", methods=["POST"]),
            Rule(f"{any_api}/accounts/balance", endpoint="purse", methods=["GET"]),
            Rule("/topups/operators", endpoint="operators", methods=["GET"]),
            Rule("/topups/operators/<int:number>", endpoint="operator", methods=["GET"]),
            Rule("/topups/topups-async", endpoint="top_up", methods=["POST"]),
            Rule("/topups/topups/reports/transactions", endpoint="topup_report"),
            Rule("/topups/topups/reports/transactions/<int:number>", endpoint="topup_of"),
            Rule("/giftcards/products", endpoint="products", methods=["GET"]),
            Rule("/giftcards/products/<int:number>", endpoint="product", methods=["GET"]),
            Rule("/giftcards/orders", endpoint="buy", methods=["POST"]),
            Rule("/giftcards/orders/transactions/<int:number>/cards", endpoint="cards"),
            Rule("/giftcards/reports/transactions", endpoint="giftcard_report"),
            Rule("/giftcards/reports/transactions/<int:number>", endpoint="giftcard_of"),
            Rule("/control/webhook", endpoint="webhook", methods=["POST"]),
        ]

    def views(self) -> Mapping[str, View]:
        """Each behind the door of its API."""
        top, card = "topup", "giftcard"
        return {
            "token": self._token,
            "webhook": self._set_webhook,
            "purse": self._purse,
            "operators": self._door(top, lambda request: self._page(request, operator, OPERATORS)),
            "operator": self._door(top, lambda request, number: self._one(operator, number)),
            "top_up": self._door(top, self._top_up, buys=True),
            "topup_report": self._door(top, lambda request: self._report(request, top)),
            "topup_of": self._door(top, lambda request, number: self._found(top, number)),
            "products": self._door(card, lambda request: self._page(request, product, PRODUCTS)),
            "product": self._door(card, lambda request, number: self._one(product, number)),
            "buy": self._door(card, self._buy, buys=True),
            "cards": self._door(card, self._cards),
            "giftcard_report": self._door(card, lambda request: self._report(request, card)),
            "giftcard_of": self._door(card, lambda request, number: self._found(card, number)),
        }

    def system_error(self) -> Response:
        """HTTP 200 with an error about a transaction that may have been made."""
        return Problem(200, "TRANSACTION_CANNOT_BE_PROCESSED_AT_THE_MOMENT").response()

    def accepted(self, status: int, text: str) -> bool:
        """Any 2xx."""
        return 200 <= status < 300

    def callback(self, order: Order, *, forged: bool) -> Callback:
        """To the address that is set for the account: orders name none."""
        topic = "airtime" if kind_of(order) == "topup" else "giftcard"
        said = {"type": f"{topic}_transaction.status", "data": transaction(order)}
        body, now = json.dumps(said, ensure_ascii=False).encode(), str(int(time.time()))
        key = secrets.token_hex(16) if forged else self._hook_secret
        # Written apart from the plugin's signer: a mistake in one of them shows.
        mac = hmac.new(key.encode(), digestmod="sha256")
        mac.update(body)
        mac.update(f":{now}".encode())
        headers = {
            "Content-Type": "application/json",
            "X-Reloadly-Request-Timestamp": now,
            "X-Reloadly-Signature": mac.hexdigest(),
        }
        return Callback("POST", order.notify_url, headers, body)

    # The door

    def _token(self, request: Request) -> Response:
        asked = request.get_json(silent=True) or {}
        given = (asked.get("client_id"), asked.get("client_secret"), asked.get("grant_type"))
        if given != (self._client_id, self._secret, "client_credentials"):
            return Problem(401, "INVALID_CREDENTIALS").response()
        addresses = {f"{self.base_url}/{media}": kind for kind, media in MEDIA.items()}
        kind = addresses.get(str(asked.get("audience")))
        if kind is None:
            return Problem(403, "INVALID_AUDIENCE").response()
        token = {"access_token": self.tokens.issue(kind), "token_type": "Bearer"}
        return answer_json(token | {"scope": "developer", "expires_in": LIFE_S})

    def _door(self, kind: str, answer: Callable[..., Any], *, buys: bool = False) -> View:
        def view(request: Request, **values: Any) -> Response:
            def checked() -> Response:
                try:
                    self._check(request, kind)
                    text = json.dumps(answer(request, **values), ensure_ascii=False)
                    return Response(text, mimetype="application/json")
                except Problem as problem:
                    return problem.response()

            return self.lying(checked, buys=buys)

        return view

    def _check(self, request: Request, kind: str) -> None:
        method, _, token = request.headers.get("Authorization", "").partition(" ")
        code = self.tokens.problem(token, kind) if method == "Bearer" else "INVALID_TOKEN"
        if code:
            message = "Full authentication is required to access this resource"
            raise Problem(401, code, message)
        if request.headers.get("Accept") != f"application/com.reloadly.{MEDIA[kind]}-v1+json":
            raise Problem(406, "", "Not acceptable")

    # Behind it

    def _purse(self, request: Request, api: str) -> Response:
        kind = {media: kind for kind, media in MEDIA.items()}[api]
        left = json_number(decimal(self.warehouse.balance()))
        said = {"balance": left, "currencyCode": CURRENCY, "currencyName": "US Dollar"}
        return self._door(kind, lambda request: said)(request)

    def _page(
        self, request: Request, show: Callable[..., dict[str, Any]], numbers: Mapping[int, Any]
    ) -> dict[str, Any]:
        size = request.args.get("size", 200, type=int)
        page = request.args.get("page", 1, type=int)
        shown = [self._one(show, n) for n in list(numbers)[(page - 1) * size : page * size]]
        pages = -(-len(numbers) // size)
        return {
            "content": shown,
            "totalElements": len(numbers),
            "totalPages": pages,
            "last": page >= pages,
        }

    def _one(self, show: Callable[..., dict[str, Any]], number: int) -> dict[str, Any]:
        kind = "topup" if show is operator else "giftcard"
        shelf = [one for one in self.warehouse.shelf.all() if one.ref.startswith(f"{kind}:")]
        same = [one for one in shelf if number_of(one) == number]
        if not same:
            raise Problem(404, "", "Not found")
        return show(number, same)

    def _top_up(self, request: Request) -> Any:
        wish = _object(request)
        phone = wish.get("recipientPhone")
        if not isinstance(phone, dict) or wish.get("useLocalAmount") is not False:
            raise Problem(400, "INVALID_RECIPIENT_PHONE")
        ref = f"topup:{wish.get('operatorId')}:{_plain(wish.get('amount'))}"
        inputs = {"phone": str(phone.get("number", ""))}
        order = self._place("topup", wish, ref, 1, inputs)
        return {"transactionId": int(order.ref)}

    def _buy(self, request: Request) -> Any:
        wish = _object(request)
        quantity = wish.get("quantity")
        if type(quantity) is not int or quantity < 1 or not wish.get("senderName"):
            raise Problem(400, "", "Bad request")
        ref = f"giftcard:{wish.get('productId')}:{_plain(wish.get('unitPrice'))}"
        return transaction(self._place("giftcard", wish, ref, quantity, {}))

    def _place(
        self, kind: str, wish: Mapping[str, Any], ref: str, quantity: int, inputs: dict[str, str]
    ) -> Order:
        try:
            return self.warehouse.place(
                number=str(wish.get("customIdentifier", "")),
                ref=ref,
                quantity=quantity,
                inputs=inputs,
                notify_url=self.store.kept(WEBHOOK) or "",
            )
        except Refused as error:
            raise Problem(400, {**NO[kind], **ALWAYS}.get(error.why, ""), str(error)) from None

    def _report(self, request: Request, kind: str) -> dict[str, Any]:
        number = request.args.get("customIdentifier", "")
        if number:
            order = self.warehouse.find(number=number)
            orders = [] if order is None else [order]
        else:
            orders = self.warehouse.orders()
        size = request.args.get("size", 200, type=int)
        rows = [transaction(order) for order in orders if kind_of(order) == kind]
        return {"content": rows[:size], "totalElements": len(rows), "last": len(rows) <= size}

    def _found(self, kind: str, number: int) -> dict[str, Any]:
        return transaction(self._order(kind, number))

    def _cards(self, request: Request, number: int) -> Any:
        order = self._order("giftcard", number)
        if order.state is not State.DONE:
            raise Problem(404, "", "Invalid transaction ID")
        return [{"cardNumber": card.number, "pinCode": card.code} for card in order.cards]

    def _order(self, kind: str, number: int) -> Order:
        order = self.warehouse.find(ref=str(number))
        if order is None or kind_of(order) != kind:
            raise Problem(404, "TRANSACTION_NOT_FOUND")
        return order

    def _set_webhook(self, request: Request) -> Response:
        self.store.change_setting(WEBHOOK, request.values.get("url", ""))
        return answer_json({"url": self.store.kept(WEBHOOK)})


def _object(request: Request) -> Mapping[str, Any]:
    try:
        found = json.loads(request.get_data(), parse_float=Decimal)
    except ValueError:
        raise Problem(400, "", "Bad request") from None
    if not isinstance(found, dict):
        raise Problem(400, "", "Bad request")
    return found


def _plain(amount: object) -> str:
    """An amount as goods are named by it; number and text are both taken, as over there."""
    try:
        return f"{Decimal(str(amount)).normalize():f}"
    except InvalidOperation:
        raise Problem(400, "INVALID_AMOUNT") from None
