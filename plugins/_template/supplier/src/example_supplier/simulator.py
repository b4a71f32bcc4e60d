"""A stand-in of the supplier that speaks its protocol over HTTP, for the demo and for tests."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from example_supplier.signing import is_signed, notice_content, signature
from kameng_sdk.money import Money
from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.sales import Order, Refusal, Refused, State
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.site import View, answer_json
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.suppliers import OfferField, OfferKind

Reply = Callable[[dict[str, Any]], dict[str, Any]]

ACCOUNT = "demo"
KEY = "demo-key-of-the-simulator"
PHONE = (OfferField(name="account", label="手机号"),)
CODES = {
    Refusal.OUT_OF_STOCK: "no_stock",
    Refusal.NO_BALANCE: "no_money",
    Refusal.ABOVE_CAP: "above_max",
    Refusal.OFF_SHELF: "no_goods",
}  # the others keep their names


class ExampleSimulator(SupplierSimulator):
    """The SDK keeps shelf, sales, money and levers; here is only the protocol."""

    name = "supplier-example".partition("-")[2]
    title = "示例供应商"
    goods = (
        Goods(ref="c-50", name="点卡 50 元", category="点卡", cost=Money(475_000)),
        Goods(ref="c-100", name="点卡 100 元", category="点卡", cost=Money(948_000)),
        Goods(
            ref="t-100", name="话费 100 元", category="话费", cost=Money(985_000),
            kind=OfferKind.TOP_UP, fields=PHONE,
        ),
    )  # fmt: skip

    def rules(self) -> list[Rule]:
        """Four addresses."""
        return [
            Rule("/api/goods", endpoint="api_goods", methods=["POST"]),
            Rule("/api/orders", endpoint="api_order", methods=["POST"]),
            Rule("/api/orders/query", endpoint="api_query", methods=["POST"]),
            Rule("/api/balance", endpoint="api_balance", methods=["POST"]),
        ]

    def views(self) -> Mapping[str, View]:
        """Each checks the signature first."""
        return {
            "api_goods": self._signed(self._goods),
            "api_order": self._signed(self._place, buys=True),
            "api_query": self._signed(self._query),
            "api_balance": self._signed(self._balance),
        }

    def callback(self, order: Order, *, forged: bool) -> Callback:
        """Only the number: whoever wants to know more asks."""
        body = json.dumps({"number": order.number, "state": _state(order)}).encode()
        now = str(int(time.time()))
        key = "forged" if forged else KEY
        headers = {
            "Content-Type": "application/json",
            "X-Timestamp": now,
            "X-Signature": signature(key, notice_content(now, body)),
        }
        return Callback("POST", order.notify_url, headers, body)

    def system_error(self) -> Response:
        """Says nothing about what was done."""
        return answer_json({"code": "error"})

    def demo_config(self) -> dict[str, str | int | bool]:
        """What the plugin needs to talk to this."""
        return {"base_url": self.base_url, "account": ACCOUNT, "key": KEY}

    def _signed(self, answer: Reply, buys: bool = False) -> View:
        def view(request: Request) -> Response:
            body = request.get_data()
            sound = request.headers.get("X-Account") == ACCOUNT
            if not sound or not is_signed(KEY, body, request.headers.get("X-Signature", "")):
                return answer_json({"code": "bad_signature"})
            return self.lying(lambda: answer_json(self._said(answer, body)), buys=buys)

        return view

    def _said(self, answer: Reply, body: bytes) -> dict[str, Any]:
        try:
            return {"code": "ok", **answer(json.loads(body))}
        except Refused as refused:
            return {"code": CODES.get(refused.why, refused.why.value)}

    def _goods(self, _asked: dict[str, Any]) -> dict[str, Any]:
        return {"goods": [_article(goods) for goods in self.warehouse.shelf.all()]}

    def _place(self, asked: dict[str, Any]) -> dict[str, Any]:
        order = self.warehouse.place(
            number=asked["number"], ref=asked["sku"], quantity=asked["quantity"],
            inputs=asked["inputs"], cap=Money.parse(asked["max"]), notify_url=asked["notify_url"],
        )  # fmt: skip
        return {"order": _shown(order)}

    def _query(self, asked: dict[str, Any]) -> dict[str, Any]:
        order = self.warehouse.find(number=asked["number"])
        return {"order": _shown(order)} if order else {"code": "no_order"}

    def _balance(self, _asked: dict[str, Any]) -> dict[str, Any]:
        return {"balance": self.warehouse.balance().format(4)}


def _article(goods: Goods) -> dict[str, Any]:
    return {
        "sku": goods.ref, "name": goods.name, "category": goods.category, "stock": goods.stock,
        "kind": goods.kind.value, "cost": goods.cost.format(4), "on_sale": goods.on_sale,
    }  # fmt: skip


def _state(order: Order) -> str:
    """`closed` is said only when the money is back."""
    if order.state is State.DONE:
        return "done"
    return "closed" if order.state.final and order.refunded == order.cost else "open"


def _shown(order: Order) -> dict[str, Any]:
    cards = [{"number": card.number, "code": card.code} for card in order.cards]
    return {
        "number": order.number, "ref": order.ref, "state": _state(order),
        "cost": order.cost.format(4), "cards": cards,
    }  # fmt: skip
