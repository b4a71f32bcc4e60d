"""卡卡云 v3 below /dock/kakayun: signed parameters in, code and words out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, json

from kameng.openapi import api
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.dialects.kakayun import fields, reading, showing, signing, words
from kameng.openapi.domain.dialects.values import merchant_number, needed, whole
from kameng.openapi.domain.facts import OrderFacts, ProductFacts
from kameng.openapi.views.dialects import door, selling
from kameng.signing import in_time
from kameng.web import client_ip
from kameng_sdk.money import Money

blueprint = Blueprint("dock_kakayun", __name__)
ROOT = "dockapiv3/"
STAMP_DIGITS = 10

Params = Mapping[str, Any]
Fields = Mapping[str, object]


def find(path: str) -> Callable[[], Response] | None:
    """What answers at a path."""
    act = CALLS.get(path.removeprefix(ROOT)) if path.startswith(ROOT) else None
    return None if act is None else partial(_answered, act)


def refuse(code: str, field: str) -> Response:
    """A refusal in this system's numbers and words."""
    number, message = words.refusal(code, field)
    return _json({"code": number, "msg": message, "data": ""})


def _answered(act: Callable[[Caller, Params], Fields]) -> Response:
    caller, params = _signed()
    return _json({"code": words.DONE, "msg": "success", **act(caller, params)})


def _signed() -> tuple[Caller, Params]:
    """Who asks, and for what."""
    signed, params = reading.parameters(door.body())
    sign, user, stamp = (needed(params, name) for name in ("sign", "userid", "timestamp"))
    if len(stamp) != STAMP_DIGITS or not in_time(stamp, time.time()):
        raise api.refused("timestamp_invalid")
    caller, secrets = api.open_key("kakayun", user, client_ip())
    secret = signing.signer(signed, sign, secrets)
    if not secret:
        raise api.refused("signature_invalid")
    return selling.let_in(caller, secret), params


def _account(caller: Caller, params: Params) -> Fields:
    money = Money(api.account(caller).balance).format(4)
    return {"msg": "查询成功", "data": {"money": money, "creditquota": "0.00"}}


def _groups(caller: Caller, params: Params) -> Fields:
    return {"data": showing.group_rows(api.categories(caller))}


def _all(
    show: Callable[[ProductFacts], Fields], most: int, caller: Caller, params: Params
) -> Fields:
    asked = reading.listing(params, most)
    if asked.ids:
        found: Iterable[ProductFacts] = api.products_by_ids(caller, asked.ids)
        rows = [show(product) for product in found]
        return {"data": rows, "nowpage": "1", "allpage": 1, "count": len(rows)}
    page, count = api.numbered_page(
        caller, asked.page, asked.limit, category_id=asked.group_id, keyword=asked.keyword,
        cards=asked.cards,
    )  # fmt: skip
    return {
        "data": [show(product) for product in page], "nowpage": str(asked.page),
        "allpage": math.ceil(count / asked.limit), "count": count,
    }  # fmt: skip


def _details(
    show: Callable[[ProductFacts], object], caller: Caller, params: Params
) -> Fields:  # fmt: skip
    return {"data": show(api.product_by_id(caller, whole(params, "goodsid")))}


def _template(product: ProductFacts) -> object:
    return fields.template(product.fields)


def _create(caller: Caller, params: Params) -> Fields:
    sku_id, number = whole(params, "goodsid"), merchant_number(params, "usorderno")
    order = selling.buy_once(caller, sku_id, number, partial(reading.buy, params))
    placed = {"orderno": order.order_no, "usorderno": order.merchant_order_no}
    return {"msg": "提交成功", "data": placed}


def _get(caller: Caller, params: Params) -> Fields:
    return {"msg": "查询成功", "data": showing.order_row(_order(caller, params))}


def _order(caller: Caller, params: Params) -> OrderFacts:
    number, order_no = reading.asked_order(params)
    return api.order_of(caller, number) if number else api.order(caller, order_no)


def _cancel(caller: Caller, params: Params) -> Fields:
    """Code 1 means that the money is back, and a request only asks for it: code 0 until then."""
    order = _order(caller, params)
    asked = api.request_refund(
        caller, order.order_no, amount=None, reason="买家申请退款",
        request_no=f"close-{order.order_no}",
    )  # fmt: skip
    if asked.state == "accepted":
        return {"msg": "退款成功", "data": ""}
    if asked.state == "open":
        return {"code": words.CANNOT, "msg": "退款失败:已提交退款申请，等待处理", "data": ""}
    raise api.refused("refund_not_possible")


def _set_url(caller: Caller, params: Params) -> Fields:
    """The one address for notices of orders that name none."""
    if "orders.write" not in caller.scopes:
        raise api.refused("scope_missing")
    url = reading.receive_url(params)
    key = api.key_of(caller.member_id, caller.api_key_id)
    api.change_key(
        caller.member_id, key.id, name=key.name, networks=key.networks, callback_url=url,
        actor=caller.actor,
    )  # fmt: skip
    return {"msg": "设置成功", "data": [url] if url else []}


def _get_url(caller: Caller, params: Params) -> Fields:
    url = caller.callback_url
    return {"data": [{"url": url}] if url else []}


def _not_offered(caller: Caller, params: Params) -> Fields:
    number, message = words.refusal("not_offered")
    return {"code": number, "msg": message, "data": ""}


CALLS: Mapping[str, Callable[[Caller, Params], Fields]] = {
    "user/info": _account, "user/seturl": _set_url, "user/geturl": _get_url,
    "goods/group": _groups, "goods/details": partial(_details, showing.goods_details),
    "goods/detailslite": partial(_details, showing.goods_lite),
    "goods/tpl": partial(_details, _template), "goods/all": partial(_all, showing.goods_row, 50),
    "goods/alllite": partial(_all, showing.goods_lite, 100), "goods/subscribe": _not_offered,
    "goods/cancelsubscribe": _not_offered, "goods/createexchangecode": _not_offered,
    "order/create": _create, "order/get": _get, "order/cancelOrder": _cancel,
}  # fmt: skip


def _json(answer: Fields) -> Response:
    response = Response(json.dumps(answer, ensure_ascii=False), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


door.open_door(blueprint, find, refuse)
