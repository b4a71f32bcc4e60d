"""How 卡卡云 v3 reads requests and writes answers, written from its papers, not from the client."""

import hashlib
import json
import time
from typing import Any

from kameng_sdk.money import Money
from kameng_sdk.simulation.sales import Order, Refusal, State
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferKind

from .shop import GROUPS, TYPES

WINDOW_S = 300
CODES = {
    Refusal.NO_GOODS: (1214, "商品不存在"), Refusal.OFF_SHELF: (1206, "商品不存在或者已下架"),
    Refusal.OUT_OF_STOCK: (1206, "商品库存不足"), Refusal.NO_BALANCE: (1213, "用户余额不足"),
    Refusal.ABOVE_CAP: (1210, "存在亏本"), Refusal.BAD_INPUT: (1211, "充值字段错误"),
    Refusal.DUPLICATE: (1205, "用户订单号已存在"), Refusal.NO_ORDER: (1301, "订单不存在"),
}  # fmt: skip
STATES = {State.WAITING: 0, State.PROCESSING: 3, State.FAILED: 4, State.CANCELLED: 4}


class Denied(Exception):
    """An answer other than code 1."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def signature(params: dict[str, Any], key: str) -> str:
    """As the PHP of the papers does it, line by line."""
    joined = ""
    for name in sorted(params):
        value = params[name]
        if value == "" or name == "sign" or value is None:
            continue
        if value is True or value is False:
            value = str(value).lower()
        if isinstance(value, (list, dict)):
            value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        joined += f"{'&' if joined else ''}{name}={value}"
    return hashlib.md5(f"{joined}{key}".encode(), usedforsecurity=False).hexdigest()


def read(body: bytes, userid: str, key: str) -> dict[str, Any]:
    """The parameters of a request whose signature is right. Raises `Denied`."""
    try:
        params = json.loads(body)
        stamp = int(params.get("timestamp") or 0)
    except (ValueError, TypeError, AttributeError):
        raise Denied(-1, "参数错误") from None
    for name, code in (("sign", 1200), ("userid", 1201), ("timestamp", 1202)):
        if not params.get(name):
            raise Denied(code, f"{name} 不能为空")
    if str(params["userid"]) != userid:
        raise Denied(1000, "商户ID无效")
    if abs(time.time() - stamp) > WINDOW_S:
        raise Denied(403, "时间戳过期")
    if signature(params, key) != params["sign"]:
        raise Denied(401, "签名效验失败")
    return dict(params)


def inputs(params: dict[str, Any], article: Goods | None) -> dict[str, str]:
    """`attach` by the names of the goods' fields. Raises `Denied`."""
    given = params.get("attach")
    if article is None or not article.fields:
        return {}
    if not given:
        raise Denied(1208, "充值帐号为空")
    if isinstance(given, str):
        return {article.fields[0].name: given}
    by_type = {str(TYPES[field.name]): field.name for field in article.fields}
    try:
        return {by_type[str(one["attachtype"])]: str(one["value"]) for one in given}
    except (KeyError, TypeError):
        raise Denied(1211, "充值字段错误") from None


def quantity(params: dict[str, Any]) -> int:
    """How many. Raises `Denied`."""
    if not str(params["buynum"]).isdecimal():
        raise Denied(1204, "buynum 格式错误")
    return int(params["buynum"])


def cap(params: dict[str, Any]) -> Money | None:
    """`maxmoney` of the whole order. Raises `Denied`."""
    try:
        return Money.parse(str(params["maxmoney"])) if params.get("maxmoney") else None
    except ValueError:
        raise Denied(-1, "maxmoney 格式错误") from None


def goods_row(article: Goods) -> dict[str, Any]:
    """One line of `goods/all`."""
    return {
        "goodsid": int(article.ref),
        "imgurl": "",
        "goodsname": article.name,
        "goodsprice": article.cost.format(4),
        "goodsstatus": int(article.on_sale),
        "goodstype": 0 if article.kind is OfferKind.CARD else 1,
        "stock": 99999 if article.stock is None else article.stock,
        "groupid": group_id(article.category),
        "marketprice": "0.0000",
        "attach": [{"title": f.name, "tip": f.label, "verification": 0} for f in article.fields],
    }


def group_id(category: str) -> int:
    """Groups are numbered as they come."""
    return 190 + GROUPS.index(category)


def group_row(category: str) -> dict[str, Any]:
    """One line of `goods/group`."""
    brand, _, name = category.partition(" / ")
    return {
        "groupname": name, "groupaliasname": name, "groupid": group_id(category),
        "groupimgurl": "", "brandid": 2, "brandname": brand, "brandimgurl": "",
    }  # fmt: skip


def order_row(order: Order) -> dict[str, Any]:
    """An order as `order/get` shows it; a notice has the same and a little more."""
    done = 1 if order.kind is OfferKind.CARD else 5
    back = 0 if not order.refunded else 1 if order.refunded >= order.cost else 2
    cards = [
        {
            "card_no": card.number, "card_pwd": card.code, "card_type": 1,
            "card_denomination": 0, "card_expire_at": 0,
        }
        for card in order.cards
    ]  # fmt: skip
    return {
        "orderno": f"SD{order.ref}",
        "usorderno": order.number,
        "money": order.cost.format(4),
        "buynum": order.quantity,
        "status": STATES.get(order.state, done),
        "refundmoney": order.refunded.format(4),
        "refundstatus": back,
        "receipt": "",
        "cardlist": [f"卡号：{card.number} 卡密：{card.code}" for card in order.cards],
        "cards": cards,
    }
