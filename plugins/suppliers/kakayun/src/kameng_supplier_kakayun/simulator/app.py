"""HTTP of the simulator: the supplier's own site and the common address, each on a path."""

import json
import math
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from kameng_sdk.simulation.courier import Callback
from kameng_sdk.simulation.sales import Order, Refused
from kameng_sdk.simulation.site import View, answer_json
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.suppliers import OfferKind

from . import dialect
from .dialect import Denied
from .shop import GOODS, GROUPS, TYPES

MOST_LINES = 50
Params = dict[str, Any]
Answer = dict[str, Any]


class KakayunSimulator(SupplierSimulator):
    """A supplier's site and the common address; a call to the wrong one finds nothing."""

    name, title, goods = "kakayun", "卡卡云 v3", GOODS
    userid = "10052"

    def rules(self) -> list[Rule]:
        return [
            Rule("/site/dockapiv3/order/create", endpoint="create", methods=["POST"]),
            Rule("/api/dockapiv3/<path:path>", endpoint="call", methods=["POST"]),
        ]

    def views(self) -> dict[str, View]:
        return {
            "create": lambda request: self._answer(request, self._create, buys=True),
            "call": self._call,
        }

    def callback(self, order: Order, *, forged: bool) -> Callback:
        """A notice; its signature covers the cards too."""
        notice: Params = {
            "push_type": 1 if order.kind is OfferKind.CARD else 0,
            **dialect.order_row(order),
            "refundreceipt": "",
            "timestamp": int(time.time()),
        }
        notice["sign"] = dialect.signature(notice, "forged" if forged else self._key)
        body = json.dumps(notice, ensure_ascii=False).encode()
        return Callback("POST", order.notify_url, {"Content-Type": "application/json"}, body)

    def accepted(self, status: int, text: str) -> bool:
        return status == 200 and text.strip().lower() == "ok"

    def system_error(self) -> Response:
        return answer_json({"code": 9999, "msg": "系统异常", "data": ""})

    def demo_config(self) -> dict[str, str | int | bool]:
        """Form values for the real plugin."""
        return {
            "site_url": f"{self.base_url}/site",
            "api_url": f"{self.base_url}/api",
            "userid": self.userid,
            "key": self._key,
        }

    @property
    def _key(self) -> str:
        return self.store.kept("key") or self.store.keep_first("key", secrets.token_hex(16))

    def _calls(self) -> dict[str, Callable[[Params], Answer]]:
        return {
            "order/get": self._get,
            "order/cancelOrder": self._cancel,
            "goods/group": lambda params: {"data": [dialect.group_row(g) for g in GROUPS]},
            "goods/all": self._all,
            "goods/tpl": self._template,
            "user/info": self._info,
        }

    def _call(self, request: Request, path: str) -> Response:
        call = self._calls().get(path)
        if call is None:
            raise NotFound("no such call")
        return self._answer(request, call)

    def _answer(
        self, request: Request, call: Callable[[Params], Answer], *, buys: bool = False
    ) -> Response:
        return self.lying(partial(self._honest, request, call), buys=buys)

    def _honest(self, request: Request, call: Callable[[Params], Answer]) -> Response:
        try:
            params = dialect.read(request.get_data(), self.userid, self._key)
            return answer_json({"code": 1, "msg": "success", **call(params)})
        except Denied as no:
            return answer_json({"code": no.code, "msg": str(no), "data": ""})
        except Refused as no:
            code, message = dialect.CODES.get(no.why, (-1, "其他错误"))
            return answer_json({"code": code, "msg": message, "data": ""})

    def _create(self, params: Params) -> Answer:
        for name, code in (("goodsid", 1203), ("buynum", 1204)):
            if not params.get(name):
                raise Denied(code, f"{name} 不能为空")
        ref, number = str(params["goodsid"]), str(params.get("usorderno") or "")
        order = self.warehouse.place(
            number=number,
            ref=ref,
            quantity=dialect.quantity(params),
            inputs=dialect.inputs(params, self.warehouse.shelf.find(ref)),
            cap=dialect.cap(params),
            notify_url=str(params.get("callbackurl") or ""),
        )
        return {"msg": "提交成功", "data": {"orderno": f"SD{order.ref}", "usorderno": number}}

    def _find(self, params: Params) -> Order:
        number, ref = str(params.get("usorderno") or ""), str(params.get("orderno") or "")
        if not number and not ref:
            raise Denied(1300, "系统单号和商家单号都为空")
        # The buyer's number wins when both are given.
        order = self.warehouse.find(number=number, ref="" if number else ref.removeprefix("SD"))
        if order is None:
            raise Denied(1301, "订单不存在")
        return order

    def _get(self, params: Params) -> Answer:
        return {"msg": "查询成功", "data": dialect.order_row(self._find(params))}

    def _cancel(self, params: Params) -> Answer:
        try:
            self.warehouse.cancel(ref=self._find(params).ref)
        except (Denied, Refused) as no:
            raise Denied(0, f"退款失败:{no}") from None
        return {"msg": "退款成功", "data": ""}

    def _all(self, params: Params) -> Answer:
        page, limit = int(params.get("page") or 1), int(params.get("limit") or 10)
        limit = max(1, min(limit, MOST_LINES))
        goods = self.warehouse.shelf.all()
        lines = [dialect.goods_row(one) for one in goods[(page - 1) * limit : page * limit]]
        pages = math.ceil(len(goods) / limit)
        return {"data": lines, "nowpage": str(page), "allpage": pages, "count": len(goods)}

    def _template(self, params: Params) -> Answer:
        article = self.warehouse.shelf.find(str(params.get("goodsid") or ""))
        if article is None:
            raise Denied(1214, "商品不存在")
        fields = [
            {"type": TYPES[field.name], "title": field.name, "desc": field.label}
            for field in article.fields
        ]
        return {"msg": "接口调用成功", "data": fields}

    def _info(self, params: Params) -> Answer:
        money = self.warehouse.balance().format(4)
        return {"msg": "查询成功", "data": {"money": money, "creditquota": "0.00"}}
