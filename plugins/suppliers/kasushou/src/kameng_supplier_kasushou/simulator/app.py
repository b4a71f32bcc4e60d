"""The simulated site: addresses, checks, words of refusal, notices."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.money import Money
from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.sales import Order, Refusal, Refused
from kameng_sdk.simulation.site import View, answer_json
from kameng_sdk.simulation.store import Row
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.simulators import SimulatorEnvironment

from .goods import GOODS
from .signing import request_is_signed, signed_goods_notice, signed_notice
from .views import (
    Categories,
    cards_of,
    goods_details,
    goods_line,
    order_line,
    state_of,
    template,
)

Body = dict[str, Any]
GOODS_NOTICE = "goods"
WORDS = {
    Refusal.NO_GOODS: "商品不存在",
    Refusal.OFF_SHELF: "商品已下架",
    Refusal.OUT_OF_STOCK: "商品库存不足",
    Refusal.NO_BALANCE: "用户余额不足",
    Refusal.ABOVE_CAP: "商品售价高于安全价格",
    Refusal.BAD_INPUT: "下单参数错误",
    Refusal.DUPLICATE: "三方订单号已存在",
    Refusal.NO_ORDER: "订单不存在",
    Refusal.TOO_LATE: "当前订单状态不能撤单",
}


class KasushouSimulator(SupplierSimulator):
    """Also: ``POST /control/goods_notice`` (id, url) tells that goods have changed."""

    name, title = "kasushou", "卡速售 2.0"
    goods = GOODS

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._categories = Categories(GOODS)
        super().__init__(environment)
        self._user_id = self.store.keep_first("user_id", secrets.token_hex(16))
        self._key = self.store.keep_first("key", secrets.token_hex(16))

    def rules(self) -> list[Rule]:
        """Paths of the documents, all by POST."""
        names = ("user/info", "goods/cate", "goods/list", "goods/info", "goods/attach")
        orders = ("order/buy", "order/info", "order/close")
        api = [Rule(f"/api/v1/{n}", endpoint=n, methods=["POST"]) for n in (*names, *orders)]
        lever = Rule("/control/goods_notice", endpoint="goods_notice", methods=["POST"])
        return [*api, lever]

    def views(self) -> Mapping[str, View]:
        """One signed body in, one answer out."""
        return {
            "user/info": self._signed(lambda body: {"balance": self._yuan(self._left())}),
            "goods/cate": self._signed(lambda body: self._categories.tree()),
            "goods/list": self._signed(self._list),
            "goods/info": self._signed(lambda body: goods_details(self._article(body.get("id")))),
            "goods/attach": self._signed(
                lambda body: template(self._article(body.get("goods_id")))
            ),
            "order/buy": self._signed(self._buy, buys=True),
            "order/info": self._signed(self._orders),
            "order/close": self._signed(self._close),
            "goods_notice": self._tell_of_goods,
        }

    def callback(self, order: Order, *, forged: bool) -> Callback:
        """The notice has everything, and its signature leaves the cards out."""
        shown = order_line(order)
        names = ("external_orderno", "ordersn", "has_back_money", "total_price", "recharge_hints")
        facts = {name: str(shown[name]) for name in names} | {"status": str(state_of(order))}
        key = self._key[::-1] if forged else self._key
        return _post(order.notify_url, signed_notice(facts, key, cards_of(order)))

    def system_error(self) -> Response:
        """The documents call 500 an unknown error."""
        return answer_json({"code": 500, "msg": "未知错误"})

    def demo_config(self) -> dict[str, str | int | bool]:
        """What the plugin's form wants."""
        return {"base_url": self.base_url, "user_id": self._user_id, "key": self._key}

    def _prepare(self, row: Row) -> Callback:
        if row["parent"] != GOODS_NOTICE:
            return super()._prepare(row)
        article = self._article(row["subject"])
        facts = {"id": article.ref, "goods_price": article.cost.format(4)}
        return _post(row["url"], signed_goods_notice(facts, self._key))

    def _signed(self, act: Callable[[Body], object], *, buys: bool = False) -> View:
        def view(request: Request) -> Response:
            body = _body(request)
            if request.headers.get("UserId") != self._user_id:
                return _refusal("用户不存在")
            if not request_is_signed(dict(request.headers), body, self._key, time.time()):
                return _refusal("签名错误")
            return self.lying(lambda: self._answer(act, body), buys=buys)

        return view

    def _answer(self, act: Callable[[Body], object], body: Body) -> Response:
        try:
            return answer_json({"code": 200, "msg": "成功", "data": act(body)})
        except Refused as no:
            return _refusal(WORDS[no.why])

    def _left(self) -> Money:
        return self.warehouse.balance()

    def _article(self, number: object) -> Any:
        article = self.warehouse.shelf.find(str(number))
        if article is None:
            raise Refused(Refusal.NO_GOODS)
        return article

    def _list(self, body: Body) -> object:
        cate_id, page = int(body.get("cate_id") or 0), int(body.get("page") or 1)
        limit = min(int(body.get("limit") or 100), 100)
        found = [a for a in self.warehouse.shelf.all() if self._categories.holds(cate_id, a)]
        shown = found[(page - 1) * limit : page * limit]
        return {"list": [goods_line(article) for article in shown], "total": len(found)}

    def _buy(self, body: Body) -> object:
        cap = body.get("safe_price")
        order = self.warehouse.place(
            number=str(body.get("external_orderno") or ""),
            ref=str(body.get("id")),
            quantity=int(body.get("quantity") or 0),
            inputs={str(k): str(v) for k, v in (body.get("attach") or {}).items()},
            cap=None if cap is None else Money.parse(str(cap)),
            notify_url=str(body.get("url") or ""),
        )
        return {
            "ordersn": order.ref, "external_orderno": order.number,
            "total_price": self._yuan(order.cost),
        }  # fmt: skip

    def _orders(self, body: Body) -> object:
        asked = [("number", n) for n in str(body.get("external_orderno") or "").split(",") if n]
        asked += [("ref", n) for n in str(body.get("ordersn") or "").split(",") if n]
        found = [self.warehouse.find(**{by: number}) for by, number in asked]
        return [order_line(order) for order in found if order is not None]

    def _close(self, body: Body) -> object:
        self.warehouse.cancel(ref=str(body.get("ordersn") or ""))
        return []

    def _tell_of_goods(self, request: Request) -> Response:
        article = self._article(request.values.get("id"))
        with self.store.write() as connection:
            connection.execute(
                "INSERT INTO callbacks (subject, parent, url, due_at) VALUES (?, ?, ?, ?)",
                (article.ref, GOODS_NOTICE, request.values.get("url", ""), time.time()),
            )
        self._courier.wake()
        return answer_json({"told": article.ref})

    @staticmethod
    def _yuan(money: Money) -> str:
        return money.format(4)


def _body(request: Request) -> Body:
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(message: str) -> Response:
    return answer_json({"code": 400, "msg": message})


def _post(url: str, body: Mapping[str, Any]) -> Callback:
    text = json.dumps(body, ensure_ascii=False)
    return Callback("POST", url, {"Content-Type": "application/json"}, text.encode())
