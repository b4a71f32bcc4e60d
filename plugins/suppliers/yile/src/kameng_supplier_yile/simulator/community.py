"""The community's side of the wire: forms with an MD5, all answers unsigned."""

import hashlib
import time
from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request, Response

from kameng_sdk.money import Money
from kameng_sdk.simulation.sales import Order, Refusal, Refused, State
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.site import answer_json
from kameng_sdk.simulation.warehouse import Warehouse

STATES = {State.WAITING: 0, State.PROCESSING: 1, State.DONE: 90, State.CANCELLED: 91}
REFUNDED, ABNORMAL = 92, 4
FRESH_S = 300
REFUSALS = {
    Refusal.NO_GOODS: "商品不存在", Refusal.OFF_SHELF: "商品已下架",
    Refusal.OUT_OF_STOCK: "库存不足", Refusal.NO_BALANCE: "余额不足，请充值",
    Refusal.BAD_INPUT: "下单参数错误",
}  # fmt: skip

Reply = dict[str, Any]


class CommunityDoor:
    """Answers `/api/…`."""

    def __init__(self, warehouse: Warehouse, token: str, key: str) -> None:
        self._warehouse, self._token, self._key = warehouse, token, key

    def answer(self, request: Request, call: str) -> Response:
        """One call, checked."""
        calls: dict[str, Callable[[dict[str, str]], Reply]] = {
            "order": self._order,
            "goods/list": self._list,
            "goods/info": self._info,
            "order/query": self._query,
        }
        form = request.form.to_dict()
        if call not in calls:
            raise NotFound(call)
        try:
            self._check(form)
            return answer_json({"status": 0, "message": "success", **calls[call](form)})
        except Refused as no:
            return answer_json({"status": 1, "message": REFUSALS.get(no.why, str(no))})

    def _check(self, form: dict[str, str]) -> None:
        stamp = form.get("timestamp", "")
        if not stamp.isdecimal() or abs(int(stamp) - time.time()) > FRESH_S:
            raise Refused(Refusal.TOO_LATE, "时间戳已过期")
        names = sorted(set(form) - {"sign"})
        text = "".join(f"&{name}={form[name]}" for name in names if form[name] != "")[1:]
        md5 = hashlib.md5(text.encode() + self._key.encode(), usedforsecurity=False)
        if form.get("api_token") != self._token or form.get("sign") != md5.hexdigest():
            raise Refused(Refusal.TOO_LATE, "签名错误")

    def _list(self, form: dict[str, str]) -> Reply:
        rows = self._warehouse.shelf.all()
        return {"data": [{"gid": int(g.ref), "name": g.name, "close": _close(g)} for g in rows]}

    def _info(self, form: dict[str, str]) -> Reply:
        goods = self._warehouse.shelf.find(form.get("gid", ""))
        if goods is None:
            raise Refused(Refusal.NO_GOODS)
        return {
            "data": {
                "gid": int(goods.ref), "name": goods.name, "price": goods.cost.format(4),
                "close": _close(goods), "limit_min": goods.minimum,
                "limit_max": goods.maximum or 0, "image": "", "desc": "",
                "inputs": [[field.label, "", field.name] for field in goods.fields],
            }
        }  # fmt: skip

    def _order(self, form: dict[str, str]) -> Reply:
        if not form.get("num", "").isdecimal():
            raise Refused(Refusal.BAD_INPUT)
        order = self._warehouse.place(
            number="",
            ref=form.get("gid", ""),
            quantity=int(form["num"]),
            inputs={name: form[name] for name in sorted(form) if name.startswith("value")},
        )
        if not order.cards:
            return {"message": "下单成功", "id": int(order.ref)}
        cards = [{"card": card.number, "pass": card.code} for card in order.cards]
        return {"message": "购买卡密成功", "id": int(order.ref), "data": cards}

    def _query(self, form: dict[str, str]) -> Reply:
        order = self._warehouse.find(ref=form.get("id", ""))
        if order is None:
            raise Refused(Refusal.NO_ORDER, "订单不存在")
        return {
            "data": {
                "id": int(order.ref), "num": order.quantity, "start_num": 0, "now_num": 0,
                "created_at": time.strftime("%F %T", time.localtime(order.created_at)),
                "status": state_of(order, STATES, REFUNDED, ABNORMAL),
            }
        }  # fmt: skip


def state_of(order: Order, states: dict[State, int], refunded: int, abnormal: int) -> int:
    """A failed order is refunded once the money is back, and abnormal before."""
    if order.state is not State.FAILED:
        return states[order.state]
    return refunded if Money.zero() < order.refunded >= order.cost else abnormal


def _close(goods: Goods) -> int:
    return 0 if goods.on_sale else 1
