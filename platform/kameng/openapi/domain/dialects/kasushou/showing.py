"""Goods, orders and notices as 卡速售 2.0 writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kameng.openapi.domain.amounts import decimal
from kameng.openapi.domain.dialects.kasushou.signing import notice_sign
from kameng.openapi.domain.dialects.titles import is_card, title
from kameng.openapi.domain.facts import CategoryFacts, FieldFacts, OrderFacts, ProductFacts
from kameng_sdk.money import Money

CARD, VIRTUAL = 1, 2
ON_SALE, PAUSED = 1, 2
UNPAID, WAITING, RUNNING, DONE, REFUNDED = -1, 1, 2, 3, 5
FINAL = frozenset({DONE, REFUNDED})
STATES: Mapping[str, int] = {
    "pending_payment": UNPAID, "cancelled": UNPAID, "expired": UNPAID, "paid": WAITING,
    "held": WAITING, "fulfilling": RUNNING, "partially_delivered": RUNNING, "failed": RUNNING,
    "refunding": RUNNING, "delivered": DONE, "completed": DONE, "refunded": REFUNDED,
}  # fmt: skip
HINTS: Mapping[int, str] = {
    UNPAID: "订单未支付", WAITING: "订单等待处理", RUNNING: "订单处理中", DONE: "订单已完成",
    REFUNDED: "订单已退款，款项已退回余额",
}  # fmt: skip
DEEPEST = 5
COMMAS = frozenset(",，|\n")


def category_list(categories: Iterable[CategoryFacts]) -> list[dict[str, Any]]:
    """`goods/cate`: all on one level with the whole way as name. Readers of this system look for
    goods at the ends of a tree only, and here they may lie in every category."""
    known = {one.id: one for one in categories}
    return [
        {"id": one.id, "name": " / ".join(_way(one, known)), "pid": 0, "img": "", "children": []}
        for one in known.values()
    ]


def _way(category: CategoryFacts, known: Mapping[int, CategoryFacts]) -> list[str]:
    """The names from the top down to a category."""
    names: list[str] = []
    at: CategoryFacts | None = category
    while at is not None and len(names) < DEEPEST:
        names.insert(0, at.name)
        at = known.get(at.parent_id or 0)
    return names


def goods_line(product: ProductFacts) -> dict[str, Any]:
    """One line of `goods/list`; a stock of 1000 means that many or more, or not counted."""
    price = Money(product.price).format(4)
    return {
        "id": product.sku_id, "goods_name": title(product), "goods_img": "",
        "goods_type": CARD if is_card(product.kind) else VIRTUAL,
        "face_value": Money(product.face_value).format(4), "goods_price": price,
        "status": ON_SALE if product.on_sale else PAUSED, "stock_num": product.stock,
    }  # fmt: skip


def goods_details(product: ProductFacts) -> dict[str, Any]:
    """`goods/info`: the line, limits and purchase fields."""
    return goods_line(product) | {
        "goods_info": product.description, "goods_notice": "", "start_count": product.minimum,
        "end_count": product.maximum, "attach": template(product),
    }  # fmt: skip


def template(product: ProductFacts) -> list[dict[str, Any]]:
    """`goods/attach`: the purchase fields alone."""
    return [_field(field) for field in product.fields]


def _field(field: FieldFacts) -> dict[str, Any]:
    shown = {
        "key": field.name, "name": field.label, "tip": field.hint or f"请填写{field.label}",
        "type": "select" if field.choices else "text",
    }  # fmt: skip
    return shown | ({"options": _options(field.choices)} if field.choices else {})


def _options(choices: Sequence[str]) -> str:
    """With commas; as a JSON list where commas would tell something else."""
    apart = len(choices) > 1 and not any(COMMAS & set(choice) for choice in choices)
    return ",".join(choices) if apart else json.dumps(list(choices), ensure_ascii=False)


def state(order: OrderFacts) -> int:
    """The state as a number. Done with some money back is "refunded"; the sum tells the rest."""
    known = STATES[order.state]
    return REFUNDED if known == DONE and order.refunded else known


def placed(order: OrderFacts) -> dict[str, Any]:
    """The answer to `order/buy`: never a card."""
    return {
        "ordersn": order.order_no, "external_orderno": order.merchant_order_no,
        "total_price": decimal(order.total),
    }  # fmt: skip


def order_line(order: OrderFacts) -> dict[str, Any]:
    """One line of `order/info`."""
    known = state(order)
    return placed(order) | {
        "status": known, "goods_name": order.product_name, "quantity": order.quantity,
        "has_back_money": decimal(order.refunded), "recharge_info": _filled_in(order),
        "recharge_hints": order.delivery_text or HINTS[known], "card_list": cards(order),
    }  # fmt: skip


def _filled_in(order: OrderFacts) -> list[dict[str, str]]:
    """What the buyer filled in. By this readers tell a top-up that is done from cards that are
    still to come, so that there is a line even where nothing had to be filled in."""
    if is_card(order.kind):
        return []
    lines = [{"n": name, "k": name, "v": value} for name, value in order.inputs.items()]
    return lines or [{"n": "购买数量", "k": "quantity", "v": str(order.quantity)}]


def cards(order: OrderFacts) -> list[dict[str, str]]:
    """The delivered cards."""
    return [{"card_no": card.number, "card_password": card.code} for card in order.cards]


def notice(order: OrderFacts, secret: str, now_ms: int) -> dict[str, Any]:
    """A signed notice about an order. Cards travel beside what is signed."""
    line = order_line(order)
    names = ("ordersn", "external_orderno", "total_price", "has_back_money", "recharge_hints")
    signed = {name: str(line[name]) for name in names}
    signed |= {"status": str(line["status"]), "time": str(now_ms)}
    listed = cards(order)
    beside = {"card_list": listed} if listed else {}
    return {**signed, "sign": notice_sign(signed, secret), **beside}
