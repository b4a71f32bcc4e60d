"""Goods and orders as the site shows them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from kameng_sdk.money import Money
from kameng_sdk.simulation.sales import Order, State
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferKind

from .goods import VARIANTS

TYPES = {OfferKind.CARD: 1, OfferKind.TOP_UP: 3}
STATES = {State.WAITING: 1, State.PROCESSING: 2, State.CANCELLED: 4}
RESULTS = {1: "等待处理", 2: "正在处理", 3: "处理成功", 4: "订单已撤回", 5: "订单已退款"}


class Categories:
    """The tree that the categories of the goods make, with a number for each node."""

    def __init__(self, goods: Iterable[Goods]) -> None:
        numbers = count(11412)
        self.ids: dict[str, int] = {}
        for article in goods:
            for path in (article.category.split(" / ")[0], article.category):
                if path not in self.ids:
                    self.ids[path] = next(numbers)

    def tree(self) -> list[dict[str, Any]]:
        """Two levels, as `goods/getDirs` shows them."""
        return [
            {
                "id": id_, "name": top, "img": "", "brands": [],
                "children": [
                    {"id": below, "name": path.split(" / ")[1], "img": "", "brands": []}
                    for path, below in self.ids.items()
                    if path.startswith(f"{top} / ")
                ],
            }
            for top, id_ in self.ids.items()
            if " / " not in top
        ]  # fmt: skip


def number(money: Money) -> int | float:
    """The site's JSON has numbers, and its PHP floats; this is its fault and not our books."""
    return float(money.format(4))


def grouped(goods: Iterable[Goods]) -> dict[int, list[Goods]]:
    """Variants of the same goods together, by the number of the goods."""
    found: dict[int, list[Goods]] = {}
    for article in goods:
        found.setdefault(int(article.ref.split(":")[0]), []).append(article)
    return found


def goods_line(goods_id: int, variants: list[Goods], dir_ids: list[int]) -> dict[str, Any]:
    """One line of `goods/getList`."""
    first = variants[0]
    return {
        "goodsId": goods_id, "name": VARIANTS.get(str(goods_id), first.name),
        "faceValue": number(first.cost), "salesPrice": number(first.cost),
        "goodsType": TYPES[first.kind], "warrantyDays": 0, "warrantyTime": 0, "warrantyUnit": 0,
        "status": 1 if any(v.on_sale for v in variants) else 2, "multiple": 1, "isRepeat": 1,
        "isRefOrder": 1, "isRefMoney": 1, "skuType": int(":" in first.ref), "imgUrl": "",
        "dirIds": dir_ids,
    }  # fmt: skip


def goods_details(goods_id: int, variants: list[Goods]) -> dict[str, Any]:
    """The answer of `goods/getDetail`."""
    first = variants[0]
    line = goods_line(goods_id, variants, [])
    return line | {
        "minQuantity": first.minimum, "maxQuantity": first.maximum or 100,
        "stockCount": sum(v.stock or 0 for v in variants), "limitBalance": 0,
        "rechargeTemplates": [
            {
                "type": 14 if f.choices else 0, "title": f.name, "placeholder": "请填写",
                "required": int(f.required), "regex": "",
                "options": [
                    {"name": choice, "value": choice} for choice in f.choices
                ],
            }
            for f in first.fields
        ],
        **({"goodsSku": _variants(line["name"], variants)} if line["skuType"] else {}),
    }  # fmt: skip


def _variants(name: str, variants: list[Goods]) -> dict[str, Any]:
    titles = [v.name.removeprefix(name).strip() for v in variants]
    return {
        "typeNames": [{"name": "时长", "skuNames": [{"name": title} for title in titles]}],
        "details": [
            {
                "names": [{"title": "时长", "value": title}], "status": int(v.on_sale),
                "sku": v.ref.split(":")[1], "money": number(v.cost), "count": v.stock or 0,
            }
            for title, v in zip(titles, variants, strict=True)
        ],
    }  # fmt: skip


def state_of(order: Order) -> int:
    """Failed is "refunded", whether or not the money is back; done with money back is it too."""
    if order.state is State.DONE:
        return 5 if order.refunded else 3
    return 5 if order.state is State.FAILED else STATES[order.state]


def cards_of(order: Order) -> list[dict[str, Any]]:
    """The cards of a delivered order; those of one that is wholly paid back are void."""
    void = order.refunded == order.cost
    return [
        {
            "cardId": f"{order.ref}{at}", "cardNo": card.number, "cardPwd": card.code,
            "status": 2 if void else 0, "cancelRequest": 1,
        }
        for at, card in enumerate(order.cards)
    ]  # fmt: skip


def order_line(order: Order) -> dict[str, Any]:
    """The answer of `order/getDetail`."""
    state = state_of(order)
    return {
        "orderNumber": order.ref, "outerNumber": order.number, "status": state,
        "count": order.quantity, "money": number(order.cost), "retMoney": number(order.refunded),
        "result": RESULTS[state], "startCount": "", "nowCount": "", "endCount": "",
        "cards": cards_of(order),
    }  # fmt: skip
