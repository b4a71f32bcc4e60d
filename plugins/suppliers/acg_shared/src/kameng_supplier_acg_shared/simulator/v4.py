"""The V4 store's side of the wire: account and signature in the headers, signed notices."""

from collections.abc import Callable
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.sales import Order, Refusal, Refused, State
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.site import answer_json
from kameng_sdk.simulation.warehouse import Warehouse

from .php import php_form, php_sign
from .shared import REFUSALS, secret_of, widget_of

STATES = {State.WAITING: 0, State.PROCESSING: 0, State.DONE: 1}
FAILED = 2
OWN_NAMES = frozenset({"sku_id", "quantity", "trade_no", "async_url"})
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class V4Door:
    """Answers `/plugin/open-api/…`."""

    def __init__(self, warehouse: Warehouse, app_id: str, key: str) -> None:
        self._warehouse, self._app_id, self._key = warehouse, app_id, key

    def answer(self, request: Request, call: str) -> Response:
        """One call, checked."""
        calls: dict[str, Callable[[dict[str, Any]], object]] = {
            "connect": lambda form: self._connect(),
            "items": lambda form: self._items(),
            "amount": self._amount,
            "trade": self._trade,
            "query": self._query,
        }
        if call not in calls:
            raise NotFound(call)
        form = php_form(request.form.items(multi=True))
        try:
            if request.headers.get("Api-Id") != self._app_id:
                raise Refused(Refusal.TOO_LATE, "商户ID不存在")
            if request.headers.get("Api-Signature") != php_sign(form, self._key):
                raise Refused(Refusal.TOO_LATE, "密钥错误")
            return answer_json({"code": 200, "msg": "success", "data": calls[call](form)})
        except Refused as no:
            return answer_json({"code": 0, "msg": REFUSALS.get(no.why, str(no))})

    def notice(self, order: Order, *, forged: bool) -> Callback:
        """How an order stands; the header has no hyphen here."""
        form = {"item_trade_no": order.number, **_standing(order)}
        signature = php_sign(form, "forged" if forged else self._key)
        return Callback(
            "POST", order.notify_url, {**FORM, "ApiSignature": signature}, urlencode(form).encode()
        )

    def _connect(self) -> object:
        return {"username": "模拟店铺", "balance": self._warehouse.balance().format(4)}

    def _items(self) -> object:
        shelf = self._warehouse.shelf.all()
        rows = groupby(shelf, key=lambda goods: goods.ref.split("-")[0])
        return [_item(code, list(kinds)) for code, kinds in rows]

    def _amount(self, form: dict[str, Any]) -> object:
        goods = self._warehouse.shelf.find(str(form.get("sku_id", "")))
        if goods is None:
            raise Refused(Refusal.NO_GOODS)
        return {"amount": (goods.cost * int(form["quantity"])).format(2)}

    def _trade(self, form: dict[str, Any]) -> object:
        number = form.get("trade_no", "")
        if not 1 <= len(number) <= 24:
            raise Refused(Refusal.TOO_LATE, "SQLSTATE[22001]: data too long")
        order = self._warehouse.place(
            number=number,
            ref=form.get("sku_id", ""),
            quantity=int(form.get("quantity", 0)),
            inputs={name: form[name] for name in form if name not in OWN_NAMES},
            notify_url=form.get("async_url", ""),
        )
        told = {"trade_no": number, "order_no": order.ref, "amount": order.cost.format(2)}
        return {**told, **_standing(order)}

    def _query(self, form: dict[str, Any]) -> object:
        order = self._warehouse.find(number=form.get("trade_no", ""))
        if order is None:
            raise Refused(Refusal.NO_ORDER)
        return {"trade_no": order.number, **_standing(order)}


def _standing(order: Order) -> dict[str, str]:
    return {"status": str(STATES.get(order.state, FAILED)), "contents": secret_of(order)}


def _item(code: str, kinds: list[Goods]) -> dict[str, object]:
    first = kinds[0]
    alone = "-" not in first.ref
    return {
        "id": int(code), "name": first.name if alone else first.name.rpartition(" ")[0],
        "introduce": "", "picture_url": "", "category": {"name": first.category},
        "widget": widget_of(first),
        "sku": [
            {
                "id": goods.ref, "name": "" if alone else goods.ref.partition("-")[2],
                "stock_price": goods.cost.format(2), "stock": goods.stock,
            }
            for goods in kinds
        ],
    }  # fmt: skip
