"""HTTP of the simulator: what each address of the native API answers."""

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.money import Money
from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.sales import Order, Refusal, Refused
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.site import View, answer_json
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.simulators import SimulatorEnvironment

from .catalogue import GOODS, decimal, item
from .door import Door, Problem, sign_notice
from .orders import notice, shown, state_of
from .wish import Wanted, read_wish

NO = {
    Refusal.NO_GOODS: "sku_unknown",
    Refusal.OFF_SHELF: "not_on_sale",
    Refusal.OUT_OF_STOCK: "out_of_stock",
    Refusal.NO_BALANCE: "insufficient_balance",
    Refusal.ABOVE_CAP: "max_total_exceeded",
    Refusal.BAD_INPUT: "inputs_invalid",
    Refusal.NO_ORDER: "order_unknown",
    Refusal.TOO_LATE: "refund_not_possible",
}
Fields = Mapping[str, Any]


class KamengSimulator(SupplierSimulator):
    """A station of a Kameng on which nothing is real but the protocol."""

    name = "kameng"
    title = "卡盟（Kameng）"
    goods: ClassVar[tuple[Goods, ...]] = GOODS
    page_most: ClassVar[int] = 100

    def __init__(self, environment: SimulatorEnvironment) -> None:
        super().__init__(environment)
        self._key = self.store.keep_first("key_id", f"KM{secrets.token_hex(8)}")
        self._secret = self.store.keep_first("secret", secrets.token_hex(24))
        self._door_keeper = Door(self._key, self._secret)

    def demo_config(self) -> dict[str, str | int | bool]:
        """Form values for the real plugin."""
        return {"base_url": self.base_url, "key_id": self._key, "secret": self._secret}

    def rules(self) -> list[Rule]:
        """The native API."""
        root = "/api/v1"
        return [
            Rule(f"{root}/account", endpoint="account", methods=["GET"]),
            Rule(f"{root}/products", endpoint="products", methods=["GET"]),
            Rule(f"{root}/products/<sku>", endpoint="product", methods=["GET"]),
            Rule(f"{root}/orders", endpoint="buy", methods=["POST"]),
            Rule(f"{root}/orders", endpoint="find", methods=["GET"]),
            Rule(f"{root}/orders/<order_no>", endpoint="order", methods=["GET"]),
            Rule(f"{root}/orders/<order_no>/refund-requests", endpoint="back", methods=["POST"]),
        ]

    def views(self) -> Mapping[str, View]:
        """Each behind the door."""
        return {
            "account": self._door(lambda request: (200, self._account())),
            "products": self._door(lambda request: (200, self._products(request))),
            "product": self._door(lambda request, sku: (200, self._product(sku))),
            "buy": self._door(self._buy, buys=True),
            "find": self._door(
                lambda request: (200, self._order(number=request.args.get("merchant_order_no", "")))
            ),
            "order": self._door(lambda request, order_no: (200, self._order(ref=order_no))),
            "back": self._door(self._back),
        }

    def system_error(self) -> Response:
        """A problem that comes with HTTP 200: neither yes nor a documented no."""
        return Problem("internal").response(200)

    def accepted(self, status: int, text: str) -> bool:
        """Any 2xx."""
        return 200 <= status < 300

    def callback(self, order: Order, *, forged: bool) -> Callback:
        """Signed with the key's secret; the same state has the same id."""
        body = json.dumps(notice(order), ensure_ascii=False).encode()
        message_id = f"msg_{order.ref}_{state_of(order)}_{order.refunded.amount}"
        key = secrets.token_hex(24) if forged else self._secret
        return Callback("POST", order.notify_url, sign_notice(key, message_id, body), body)

    # The door

    def _door(self, answer: Callable[..., tuple[int, Fields]], *, buys: bool = False) -> View:
        def view(request: Request, **values: Any) -> Response:
            def checked() -> Response:
                try:
                    self._door_keeper.check(request)
                    status, fields = answer(request, **values)
                    return answer_json(fields, status)
                except Problem as problem:
                    return problem.response()

            return self.lying(checked, buys=buys)

        return view

    # Behind it

    def _account(self) -> Fields:
        return {
            "login": "demo", "name": "模拟会员", "level": "黄金会员",
            "balance": decimal(self.warehouse.balance()), "currency": "CNY", "sandbox": False,
        }  # fmt: skip

    def _products(self, request: Request) -> Fields:
        given = request.args.get("cursor", "0")
        if not (given.isascii() and given.isdecimal()):
            raise Problem("cursor_invalid")
        start = int(given)
        size = min(self.page_most, max(1, request.args.get("limit", 50, type=int)))
        goods = self.warehouse.shelf.all()
        more = str(start + size) if start + size < len(goods) else ""
        return {"items": [item(one) for one in goods[start : start + size]], "next_cursor": more}

    def _product(self, sku: str) -> Fields:
        article = self.warehouse.shelf.find(sku)
        if article is None:
            raise Problem("sku_unknown")
        return item(article)

    def _buy(self, request: Request) -> tuple[int, Fields]:
        wanted = read_wish(request.get_data())
        try:
            return 201, shown(self.warehouse.place(
                number=wanted.number, ref=wanted.sku, quantity=wanted.quantity,
                inputs=wanted.inputs, cap=wanted.cap, notify_url=wanted.notify_url,
            ))  # fmt: skip
        except Refused as error:
            if error.first is not None:
                return 200, _repeated(error.first, wanted)
            raise Problem(_no(error)) from None

    def _order(self, *, number: str = "", ref: str = "") -> Fields:
        order = self.warehouse.find(number=number, ref=ref)
        if order is None:
            raise Problem("order_unknown")
        return shown(order)

    def _back(self, request: Request, order_no: str) -> tuple[int, Fields]:
        """The simulated staff agrees at once to what is not delivered, and to nothing else."""
        asked = request.get_json(silent=True)
        if not isinstance(asked, dict) or not asked.get("reason") or not asked.get("request_no"):
            raise Problem("field_missing")
        if "amount" in asked:
            raise Problem("amount_invalid")
        try:
            order = self.warehouse.cancel(ref=order_no)
        except Refused as error:
            raise Problem(_no(error)) from None
        amount = decimal(Money(order.cost.amount, order.cost.currency))
        return 201, {
            "request_no": asked["request_no"], "order_no": order_no, "amount": amount,
            "reason": asked["reason"], "state": "accepted", "answer": "",
        }  # fmt: skip


def _repeated(first: Order, wanted: Wanted) -> Fields:
    same = (first.goods, first.quantity, dict(first.inputs))
    if same != (wanted.sku, wanted.quantity, wanted.inputs):
        raise Problem("conflict")
    return shown(first)


def _no(error: Refused) -> str:
    return "quantity_invalid" if str(error) == "quantity" else NO[error.why]
