"""The simulated site: addresses, checks, words of refusal, notices."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
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
from .signing import digest, seal, why_refused
from .views import (
    Categories,
    cards_of,
    goods_details,
    goods_line,
    grouped,
    number,
    order_line,
    state_of,
)

Body = dict[str, Any]
Act = Callable[[Body], object]
PAGE = 10
GOODS_NOTICE = "goods"
WORDS = {
    Refusal.NO_GOODS: "商品不存在",
    Refusal.OFF_SHELF: "商品已下架",
    Refusal.OUT_OF_STOCK: "商品库存不足",
    Refusal.NO_BALANCE: "账户余额不足",
    Refusal.ABOVE_CAP: "商品价格高于安全价",
    Refusal.BAD_INPUT: "充值信息错误",
    Refusal.DUPLICATE: "采购单号重复",
    Refusal.NO_ORDER: "订单不存在",
    Refusal.TOO_LATE: "当前订单状态不支持退款",
}


class KayixinSimulator(SupplierSimulator):
    """Also: ``POST /control/goods_notice`` (id, url) tells that goods have changed.

    The documents do not promise that an order's number buys once, so here it does not.
    """

    name, title = "kayixin", "卡易信 API 3.0"
    goods = GOODS
    idempotent = False

    def __init__(self, environment: SimulatorEnvironment) -> None:
        self._categories = Categories(GOODS)
        super().__init__(environment)
        self._app_id = self.store.keep_first("app_id", str(10_000 + secrets.randbelow(90_000)))
        self._secret = self.store.keep_first("secret", secrets.token_hex(16))

    def rules(self) -> list[Rule]:
        """Paths of the documents, all by POST."""
        lever = Rule("/control/goods_notice", endpoint="goods_notice", methods=["POST"])
        paths = [name for name in self.views() if name != "goods_notice"]
        return [*(Rule(f"/api/v3/{p}", endpoint=p, methods=["POST"]) for p in paths), lever]

    def views(self) -> Mapping[str, View]:
        """One signed body in, one answer out."""
        return {
            "user/getAccount": self._signed(
                lambda body: {"balance": number(self.warehouse.balance())}
            ),
            "goods/getDirs": self._signed(lambda body: self._categories.tree()),
            "goods/getList": self._signed(self._list),
            "goods/getDetail": self._signed(lambda body: goods_details(*self._goods(body))),
            "order/create": self._signed(self._create, buys=True),
            "order/getDetail": self._signed(lambda body: order_line(self._find(body))),
            "order/refunds": self._signed(self._take_back),
            "goods_notice": self._tell_of_goods,
        }

    def callback(self, order: Order, *, forged: bool) -> Callback:
        """The order as a question would show it, without the count, and with the cards sealed."""
        shown = {n: value for n, value in order_line(order).items() if n not in ("count", "cards")}
        secret = self._secret[::-1] if forged else self._secret
        return self._post(
            order.notify_url, shown | {"cards": seal(cards_of(order), self._secret)}, secret
        )

    def system_error(self) -> Response:
        """A code and words that no document explains."""
        return answer_json({"code": 5000, "msg": "系统繁忙，请稍后再试", "data": None})

    def demo_config(self) -> dict[str, str | int | bool]:
        """What the plugin's form wants."""
        return {"base_url": self.base_url, "app_id": self._app_id, "secret": self._secret}

    def _prepare(self, row: Row) -> Callback:
        if row["parent"] != GOODS_NOTICE:
            return super()._prepare(row)
        goods_id, variants = self._goods({"goodsId": row["subject"]})
        facts = {"goodsId": goods_id, "money": number(variants[0].cost), "status": 1}
        return self._post(row["url"], facts, self._secret)

    def _post(self, url: str, facts: Mapping[str, Any], secret: str) -> Callback:
        body, stamp = json.dumps(facts, ensure_ascii=False), str(int(time.time()))
        headers = {
            "Content-Type": "application/json", "X-App-Id": self._app_id, "X-Version": "3.0",
            "X-Timestamp": stamp, "X-Signature": digest(self._app_id, secret, stamp, body),
        }  # fmt: skip
        return Callback("POST", url, headers, body.encode())

    def _signed(self, act: Act, *, buys: bool = False) -> View:
        def view(request: Request) -> Response:
            raw, now = request.get_data(as_text=True), time.time()
            why = why_refused(dict(request.headers), raw, self._app_id, self._secret, now)
            if why:
                return _refusal(why)
            body = json.loads(raw or "{}", parse_float=Decimal)
            return self.lying(lambda: self._answer(act, body), buys=buys)

        return view

    def _answer(self, act: Act, body: Body) -> Response:
        try:
            return answer_json({"code": 1000, "msg": "success", "data": act(body)})
        except Refused as no:
            return _refusal(WORDS[no.why])

    def _list(self, body: Body) -> object:
        everything = list(grouped(self.warehouse.shelf.all()).items())
        page = int(body.get("page") or 1)
        return {
            "allCount": len(everything),
            "allPage": -(-len(everything) // PAGE),
            "items": [
                goods_line(goods_id, variants, [self._categories.ids[variants[0].category]])
                for goods_id, variants in everything[(page - 1) * PAGE : page * PAGE]
            ],
        }

    def _goods(self, body: Body) -> Any:
        goods_id = int(body.get("goodsId") or 0)
        variants = grouped(self.warehouse.shelf.all()).get(goods_id)
        if variants is None:
            raise Refused(Refusal.NO_GOODS)
        return goods_id, variants

    def _create(self, body: Body) -> object:
        goods_id, sku = str(body["goodsId"]), str(body.get("sku") or "")
        order = self.warehouse.place(
            number=str(body.get("outerNumber") or ""),
            ref=f"{goods_id}:{sku}" if sku else goods_id,
            quantity=int(body["count"]),
            inputs={line["name"]: line["value"] for line in body.get("attach") or []},
            cap=Money.parse(str(body["safePrice"])) if body.get("safePrice") else None,
            notify_url=str(body.get("notifyUrl") or ""),
        )
        cards = [
            {name: card[name] for name in ("cardId", "cardNo", "cardPwd", "cancelRequest")}
            for card in cards_of(order)
        ]
        return {"orderNumber": order.ref, "cards": cards}

    def _find(self, body: Body) -> Order:
        order = self.warehouse.find(
            number=str(body.get("outerNumber") or ""), ref=str(body.get("orderNumber") or "")
        )
        if order is None:
            raise Refused(Refusal.NO_ORDER)
        return order

    def _take_back(self, body: Body) -> object:
        return {"status": state_of(self.warehouse.cancel(ref=self._find(body).ref))}

    def _tell_of_goods(self, request: Request) -> Response:
        with self.store.write() as connection:
            connection.execute(
                "INSERT INTO callbacks (subject, parent, url, due_at) VALUES (?, ?, ?, ?)",
                (request.values["id"], GOODS_NOTICE, request.values["url"], time.time()),
            )
        self._courier.wake()
        return answer_json({"told": request.values["id"]})


def _refusal(message: str) -> Response:
    return answer_json({"code": 2400, "msg": message, "data": None})
