"""The shared store's side of the wire: a form with the key in it, answers unsigned."""

import json
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.sales import Order, Refusal, Refused, State
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.site import answer_json
from kameng_sdk.simulation.warehouse import Warehouse
from kameng_sdk.suppliers import OfferKind

from .php import php_form, php_sign

WAIT = "正在发货中，请耐心等待，如有疑问，请联系客服。"
REFUSALS = {
    Refusal.NO_GOODS: "商品不存在", Refusal.OFF_SHELF: "当前商品已停售",
    Refusal.OUT_OF_STOCK: "库存不足", Refusal.NO_BALANCE: "余额不足",
    Refusal.BAD_INPUT: "请选择商品类型", Refusal.DUPLICATE: "The request ID already exists",
    Refusal.NO_ORDER: "订单不存在",
}  # fmt: skip
OWN_NAMES = frozenset(
    {
        "app_id", "app_key", "sign", "shared_code", "contact", "num", "card_id", "device",
        "password", "race", "request_no", "sku",
    }
)  # fmt: skip

Form = dict[str, Any]


class SharedDoor:
    """Answers `/shared/…`."""

    def __init__(self, warehouse: Warehouse, app_id: str, key: str) -> None:
        self._warehouse, self._app_id, self._key = warehouse, app_id, key

    def answer(self, request: Request, call: str) -> Response:
        """One call, checked."""
        calls: dict[str, Callable[[Form], object]] = {
            "authentication/connect": self._connect,
            "commodity/items": self._items,
            "commodity/valuation": self._valuation,
            "commodity/trade": self._trade,
            "commodity/query": self._query,
        }
        if call not in calls:
            raise NotFound(call)
        form = php_form(request.form.items(multi=True))
        try:
            self._check(form)
            return answer_json({"code": 200, "msg": "success", "data": calls[call](form)})
        except Refused as no:
            return answer_json({"code": 0, "msg": REFUSALS.get(no.why, str(no))})

    def _check(self, form: Form) -> None:
        if form.get("app_id") != self._app_id:
            raise Refused(Refusal.TOO_LATE, "商户ID不存在")
        if form.get("sign") != php_sign(form, self._key):
            raise Refused(Refusal.TOO_LATE, "密钥错误")

    def _connect(self, form: Form) -> object:
        return {"shopName": "模拟店铺", "balance": self._warehouse.balance().format(4)}

    def _items(self, form: Form) -> object:
        shelf = sorted(self._warehouse.shelf.all(), key=lambda goods: goods.category)
        return [
            {"id": at, "name": name, "children": _children(goods)}
            for at, (name, goods) in enumerate(groupby(shelf, key=lambda g: g.category), 1)
        ]

    def _valuation(self, form: Form) -> object:
        goods = self._warehouse.shelf.find(_ref(form.get("code", ""), form.get("race", "")))
        if goods is None:
            raise Refused(Refusal.NO_GOODS)
        return {"price": (goods.cost * int(form["num"])).format(2)}

    def _trade(self, form: Form) -> object:
        number = form.get("request_no", "")
        if len(number) > 19:
            raise Refused(Refusal.TOO_LATE, "SQLSTATE[22001]: data too long")
        order = self._warehouse.place(
            number=number,
            ref=_ref(form.get("shared_code", ""), form.get("race", "")),
            quantity=int(form.get("num", 0)),
            inputs={name: form[name] for name in form if name not in OWN_NAMES},
        )
        told = {"url": "", "amount": order.cost.format(2), "tradeNo": order.ref}
        return {**told, "secret": secret_of(order), "stock": "1"}

    def _query(self, form: Form) -> object:
        order = self._warehouse.find(ref=form.get("tradeNo", ""))
        if order is None:
            raise Refused(Refusal.NO_ORDER)
        return {"secret": secret_of(order), "widget": None, "status": 1}


def secret_of(order: Order) -> str:
    """Cards a line each, or what a person wrote; a failed order is never told as such."""
    if order.kind is OfferKind.CARD:
        return "\n".join(f"{c.number}----{c.code}" for c in order.cards) or WAIT
    return "充值成功，请查收" if order.state is State.DONE else WAIT


def widget_of(goods: Goods) -> str:
    """What is asked for, as text in JSON."""
    rows = [
        {
            "cn": field.label, "title": field.label, "name": field.name, "placeholder": "",
            "type": "select" if field.choices else "text", "regex": "", "error": "",
            "dict": ",".join(f"{choice}={choice}" for choice in field.choices),
        }
        for field in goods.fields
    ]  # fmt: skip
    return json.dumps(rows, ensure_ascii=False)


def _ref(code: str, race: str) -> str:
    return "-".join(filter(None, (code, race)))


def _children(rows: Iterable[Goods]) -> list[dict[str, object]]:
    return [_child(list(kinds)) for _, kinds in groupby(rows, key=lambda g: g.ref.split("-")[0])]


def _child(kinds: list[Goods]) -> dict[str, object]:
    first = kinds[0]
    races = {goods.ref.partition("-")[2]: goods for goods in kinds}
    config = "" if "" in races else "[category]\n" + "\n".join(
        f"{race}={goods.cost.format(2)}" for race, goods in races.items()
    )  # fmt: skip
    return {
        "id": int(first.ref.split("-")[0]), "code": first.ref.split("-")[0],
        "name": first.name if "" in races else first.name.rpartition(" ")[0],
        "price": (first.cost * 2).format(2), "user_price": first.cost.format(2),
        # Newer stores tell what the goods cost themselves: nobody may take it for a price.
        "factory_price": "0.01", "config": config, "widget": widget_of(first),
        "delivery_way": 0 if first.kind is OfferKind.CARD else 1,
        "stock": first.stock, "minimum": first.minimum, "maximum": first.maximum or 0,
        "status": 1 if first.on_sale else 0,
    }  # fmt: skip
