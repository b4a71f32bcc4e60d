"""Goods and orders as the site shows them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from kameng_sdk.simulation.sales import Order, State
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferKind

TYPES = {OfferKind.CARD: 1, OfferKind.TOP_UP: 2}
ENDLESS = 9999
HINTS = {
    1: "订单正在等待处理",
    2: "订单正在处理中，请耐心等待",
    3: "订单处理完成，期待您的下次光临",
    4: "订单已取消，资金已退回商城余额！",
    5: "订单已退款，资金已退回商城余额！",
}
STATES = {State.WAITING: 1, State.PROCESSING: 2, State.FAILED: 4, State.CANCELLED: 5}


class Categories:
    """The tree that the categories of the goods make, with a number for each node."""

    def __init__(self, goods: Iterable[Goods]) -> None:
        numbers = count(365)
        self._ids: dict[str, int] = {}
        for article in goods:
            above = article.category.split(" / ")[0]
            for path in (above, article.category):
                if path not in self._ids:
                    self._ids[path] = next(numbers)

    def tree(self) -> list[dict[str, Any]]:
        """Two levels, as `goods/cate` shows them."""
        tops = {path: id_ for path, id_ in self._ids.items() if " / " not in path}
        return [
            {
                "id": id_, "name": top, "pid": 0, "img": "",
                "children": [
                    {"id": below, "name": path.split(" / ")[1], "pid": id_, "img": ""}
                    for path, below in self._ids.items()
                    if path.startswith(f"{top} / ")
                ],
            }
            for top, id_ in tops.items()
        ]  # fmt: skip

    def holds(self, cate_id: int, article: Goods) -> bool:
        """Whether an article lies there; 0 is everywhere."""
        return cate_id in (0, self._ids[article.category])


def goods_line(article: Goods) -> dict[str, Any]:
    """One line of `goods/list`."""
    price = article.cost.format(4)
    return {
        "id": int(article.ref), "goods_name": article.name, "goods_img": "",
        "goods_type": TYPES[article.kind], "face_value": price, "goods_price": price,
        "status": 1 if article.on_sale else 2,
        "stock_num": ENDLESS if article.stock is None else article.stock,
        "can_buy": "", "can_no_buy": "", "can_price": "0.00", "need_balance": "0",
    }  # fmt: skip


def goods_details(article: Goods) -> dict[str, Any]:
    """The answer of `goods/info`."""
    return goods_line(article) | {
        "goods_info": article.name, "goods_notice": "", "start_count": article.minimum,
        "end_count": article.maximum or 0, "attach": template(article),
    }  # fmt: skip


def template(article: Goods) -> list[dict[str, Any]]:
    """What an order has to say."""
    return [
        {
            "key": field.name, "type": "select" if field.choices else "text",
            "tip": f"请填写{field.label}", "name": field.label,
            **({"options": ",".join(field.choices)} if field.choices else {}),
        }
        for field in article.fields
    ]  # fmt: skip


def state_of(order: Order) -> int:
    """Done with money back is the site's "refunded"."""
    if order.state is State.DONE:
        return 5 if order.refunded else 3
    return STATES[order.state]


def cards_of(order: Order) -> list[dict[str, str]]:
    """The cards of a delivered order."""
    return [{"card_no": card.number, "card_password": card.code} for card in order.cards]


def order_line(order: Order) -> dict[str, Any]:
    """One line of `order/info`."""
    state = state_of(order)
    return {
        "ordersn": order.ref, "external_orderno": order.number,
        "recharge_info": [{"n": n, "v": value, "k": n} for n, value in order.inputs.items()],
        "recharge_hints": HINTS[state], "status": state, "total_price": order.cost.format(4),
        "has_back_money": order.refunded.format(4), "card_list": cards_of(order),
    }  # fmt: skip
