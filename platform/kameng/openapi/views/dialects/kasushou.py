"""卡速售 2.0 below /dock/kasushou: a signed JSON body in, code and words out."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, json, request

from kameng.openapi import api
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.dialects.kasushou import reading, showing, signing, words
from kameng.openapi.domain.dialects.values import json_object, merchant_number, whole
from kameng.openapi.domain.facts import OrderFacts
from kameng.openapi.views.dialects import door, selling
from kameng.signing import WINDOW_S
from kameng.web import client_ip
from kameng_sdk.money import Money

blueprint = Blueprint("dock_kasushou", __name__)
ROOT = "api/v1/"

Body = Mapping[str, Any]


def find(path: str) -> Callable[[], Response] | None:
    """What answers at a path."""
    act = CALLS.get(path.removeprefix(ROOT)) if path.startswith(ROOT) else None
    return None if act is None else partial(_answered, act)


def refuse(code: str, field: str) -> Response:
    """A refusal in this system's words."""
    number, message = words.refusal(code, field)
    return _json({"code": number, "msg": message, "data": []})


def _answered(act: Callable[[Caller, Body], object]) -> Response:
    caller, body = _signed()
    return _json({"code": words.DONE, "msg": "成功", "data": act(caller, body)})


def _signed() -> tuple[Caller, Body]:
    """Who asks, and for what. The signature is over the very bytes that came."""
    body = door.body()
    user, stamp, sign = (request.headers.get(n, "") for n in ("UserId", "Timestamp", "Sign"))
    if not (user and stamp and sign):
        raise api.refused("key_missing")
    if not signing.in_time(stamp, time.time(), WINDOW_S):
        raise api.refused("timestamp_invalid")
    caller, secrets = api.open_key("kasushou", user, client_ip())
    secret = signing.signer(stamp, body, sign, secrets)
    if not secret:
        raise api.refused("signature_invalid")
    caller = selling.let_in(caller, secret)
    return caller, json_object(body or signing.EMPTY)


def _account(caller: Caller, body: Body) -> object:
    return {"balance": Money(api.account(caller).balance).format(4)}


def _categories(caller: Caller, body: Body) -> object:
    return showing.category_list(api.categories(caller))


def _goods(caller: Caller, body: Body) -> object:
    asked = reading.listing(body)
    found, total = api.numbered_page(
        caller, asked.page, asked.limit, category_id=asked.category_id, keyword=asked.keyword
    )
    return {"list": [showing.goods_line(one) for one in found], "total": total}


def _details(caller: Caller, body: Body) -> object:
    return showing.goods_details(api.product_by_id(caller, whole(body, "id")))


def _template(caller: Caller, body: Body) -> object:
    return showing.template(api.product_by_id(caller, whole(body, "goods_id")))


def _no_prices(caller: Caller, body: Body) -> object:
    """Past prices are not kept for buyers."""
    return {"list": [], "total": 0}


def _buy(caller: Caller, body: Body) -> object:
    number = merchant_number(body, "external_orderno")
    order = selling.buy_once(caller, whole(body, "id"), number, partial(reading.buy, body))
    return showing.placed(order)


def _orders(caller: Caller, body: Body) -> object:
    """Those of the asked orders that there are; nothing is said about others'."""
    numbers, ours = reading.asked_orders(body)
    found = [selling.find_order(caller, number=number) for number in numbers]
    found += [selling.find_order(caller, order_no=order_no) for order_no in ours]
    return [showing.order_line(order) for order in found if order is not None]


def _close(caller: Caller, body: Body) -> object:
    """Asks for all the money back; whether it comes is told by the order."""
    _ask_back(caller, _order(caller, body), "close", "买家申请撤单")
    return []


def _complain(caller: Caller, body: Body) -> object:
    """The same, with the buyer's words; each complaint is sent once."""
    reason = reading.complaint(body)
    kind = f"complain-{zlib.crc32(reason.encode()):08x}"
    return _ask_back(caller, _order(caller, body), kind, reason)


def _order(caller: Caller, body: Body) -> OrderFacts:
    numbers, ours = reading.asked_orders(body)
    if numbers:
        return api.order_of(caller, numbers[0])
    return api.order(caller, ours[0])


def _ask_back(caller: Caller, order: OrderFacts, kind: str, reason: str) -> object:
    """One request for an order and kind, however often it is sent."""
    request_no = f"{kind}-{order.order_no}"
    asked = api.request_refund(
        caller, order.order_no, amount=None, reason=reason, request_no=request_no
    )
    if asked.state in ("declined", "withdrawn"):
        raise api.refused("refund_not_possible")
    return {"id": asked.request_no, "ordersn": order.order_no}


CALLS: Mapping[str, Callable[[Caller, Body], object]] = {
    "user/info": _account, "goods/cate": _categories, "goods/list": _goods,
    "goods/info": _details, "goods/attach": _template, "goods/pricelog": _no_prices,
    "order/buy": _buy, "order/info": _orders, "order/close": _close, "order/complain": _complain,
}  # fmt: skip


def _json(answer: Mapping[str, object]) -> Response:
    response = Response(json.dumps(answer, ensure_ascii=False), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


door.open_door(blueprint, find, refuse)
