"""SUP's side of the wire: JSON, a token over account, path and time in the headers."""

import hashlib
import time
from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.sales import Order, Refusal, Refused, State
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.site import answer_json
from kameng_sdk.simulation.warehouse import Warehouse

from .community import FRESH_S, REFUSALS, state_of

STATES = {State.WAITING: 2, State.PROCESSING: 3, State.DONE: 6, State.CANCELLED: 7}
REFUNDED, ABNORMAL = 8, 9
ON_SALE, OFF_SALE = 4, 5


class SupDoor:
    """Answers `/openapi/customer/…`."""

    def __init__(self, warehouse: Warehouse, app_id: str, secret: str) -> None:
        self._warehouse, self._app_id, self._secret = warehouse, app_id, secret

    def answer(self, request: Request, call: str) -> Response:
        """One call, checked."""
        calls: dict[str, Callable[[dict[str, Any]], object]] = {
            "Goods/List": self._list,
            "Goods/Show": self._show,
            "Goods/Buy": self._buy,
            "Order/Show": self._orders,
            "CustomerAccount/Show": self._account,
        }
        if call not in calls:
            raise NotFound(call)
        try:
            self._check(request, f"/openapi/customer/{call}")
            body = request.get_json(silent=True) or {}
            return answer_json({"code": 0, "message": "", "data": calls[call](body)})
        except Refused as no:
            message: object = REFUSALS.get(no.why, str(no))
            if no.why is Refusal.BAD_INPUT:
                message = {"field": "buy_params", "message": "参数错误"}
            return answer_json({"code": 1, "message": message})

    def _check(self, request: Request, path: str) -> None:
        told = request.headers
        stamp = told.get("AppTimestamp", "")
        if not stamp.isdecimal() or abs(int(stamp) - time.time()) > FRESH_S:
            raise Refused(Refusal.TOO_LATE, "时间戳已过期")
        sha = hashlib.sha1(usedforsecurity=False)
        for part in (self._app_id, self._secret, path, stamp):
            sha.update(part.encode())
        if told.get("AppId") != self._app_id or told.get("AppToken") != sha.hexdigest():
            raise Refused(Refusal.TOO_LATE, "签名错误")

    def _list(self, body: dict[str, Any]) -> object:
        return [_goods(goods) for goods in self._warehouse.shelf.all()]

    def _show(self, body: dict[str, Any]) -> object:
        goods = self._warehouse.shelf.find(str(body.get("goods_id", "")))
        if goods is None:
            raise Refused(Refusal.NO_GOODS, "商品无效")
        params = [{"key": f.name, "name": f"{f.label}：", "type": 1} for f in goods.fields]
        return {**_goods(goods), "particulars": "", "image_urls": [], "buy_params": params}

    def _buy(self, body: dict[str, Any]) -> object:
        order = self._warehouse.place(
            number="",
            ref=str(body.get("goods_id", "")),
            quantity=int(body.get("buy_number", 0)),
            inputs=dict(body.get("buy_params") or {}),
        )
        return _order(order)

    def _orders(self, body: dict[str, Any]) -> object:
        found = [self._warehouse.find(ref=str(number)) for number in body.get("ids", [])]
        return [_order(order) for order in found if order]

    def _account(self, body: dict[str, Any]) -> object:
        return {"name": "模拟客户", "balance": self._warehouse.balance().format(4)}


def _goods(goods: Goods) -> dict[str, object]:
    return {
        "id": int(goods.ref), "serial_number": f"goods-{goods.ref}", "name": goods.name,
        "price": goods.cost.format(4), "stock": -1 if goods.stock is None else goods.stock,
        "is_close": 2 if goods.on_sale else 1, "status": ON_SALE if goods.on_sale else OFF_SALE,
        "buy_min_limit": goods.minimum, "buy_max_limit": goods.maximum or 0,
        "goods_category_name": goods.category,
    }  # fmt: skip


def _order(order: Order) -> dict[str, object]:
    return {
        "id": int(order.ref), "order_sn": f"S{order.ref}", "buy_number": order.quantity,
        "status": state_of(order, STATES, REFUNDED, ABNORMAL), "start_num": 0, "current_num": 0,
        "amount": order.cost.format(4), "refund_amount": order.refunded.format(4),
        "create_time": int(order.created_at),
        "buy_card_code_list": [f"{card.number}----{card.code}" for card in order.cards],
    }  # fmt: skip
