"""Goods, orders and notices as 卡卡云 v3 writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kameng.openapi.domain.dialects.kakayun.fields import attach
from kameng.openapi.domain.dialects.kakayun.signing import sign
from kameng.openapi.domain.dialects.titles import is_card, title
from kameng.openapi.domain.facts import CardFacts, CategoryFacts, OrderFacts, ProductFacts
from kameng_sdk.money import Money

CARD, TOP_UP = 0, 1
PAID, UNPAID, RUNNING, FAILED, SUCCESS = 0, 2, 3, 4, 5
FINAL = frozenset({FAILED, SUCCESS})
NOTHING_BACK, ALL_BACK, PART_BACK = 0, 1, 2
STATES: Mapping[str, int] = {
    "pending_payment": UNPAID, "cancelled": UNPAID, "expired": UNPAID, "paid": PAID,
    "held": RUNNING, "fulfilling": RUNNING, "partially_delivered": RUNNING, "failed": RUNNING,
    "refunding": RUNNING, "delivered": SUCCESS, "completed": SUCCESS, "refunded": FAILED,
}  # fmt: skip


def group_rows(categories: Iterable[CategoryFacts]) -> list[dict[str, Any]]:
    """`goods/group`: a group for each category; what stands above it is the brand."""
    known = {one.id: one for one in categories}
    return [_group(one, known.get(one.parent_id or 0)) for one in known.values()]


def _group(category: CategoryFacts, above: CategoryFacts | None) -> dict[str, Any]:
    return {
        "groupname": category.name, "groupaliasname": category.name, "groupid": category.id,
        "groupimgurl": "", "brandid": above.id if above else 0,
        "brandname": above.name if above else "", "brandimgurl": "",
    }  # fmt: skip


def goods_lite(product: ProductFacts) -> dict[str, Any]:
    """`goods/detailslite`; a stock of 1000 means that many or more, or not counted."""
    return {
        "goodsid": product.sku_id, "goodsprice": Money(product.price).format(4),
        "goodsstatus": int(product.on_sale), "stock": product.stock,
        "goodstype": CARD if is_card(product.kind) else TOP_UP,
    }  # fmt: skip


def goods_row(product: ProductFacts) -> dict[str, Any]:
    """One line of `goods/all`."""
    return goods_lite(product) | {
        "goodsname": title(product), "imgurl": "", "groupid": product.category_id,
        "marketprice": Money(product.face_value).format(4), "attach": attach(product.fields),
    }  # fmt: skip


def goods_details(product: ProductFacts) -> dict[str, Any]:
    """`goods/details`: the line, limits and a description."""
    return goods_row(product) | {
        "minbuy": product.minimum, "maxbuy": product.maximum, "details": product.description,
    }  # fmt: skip


def status(order: OrderFacts) -> int:
    """The state as a number. Refunded after something was delivered is no failure: `refundstatus`
    says that money has come back."""
    known = STATES[order.state]
    return SUCCESS if known == FAILED and order.delivered else known


def refund_status(order: OrderFacts) -> int:
    """Nothing, all or a part; what has come back is in the wallet."""
    if not order.refunded:
        return NOTHING_BACK
    return ALL_BACK if order.refunded >= order.total else PART_BACK


def order_row(order: OrderFacts) -> dict[str, Any]:
    """`order/get`."""
    return {
        "orderno": order.order_no, "usorderno": order.merchant_order_no,
        "money": Money(order.total).format(4), "buynum": order.quantity, "status": status(order),
        "refundmoney": Money(order.refunded).format(4), "refundstatus": refund_status(order),
        "receipt": order.delivery_text, "refundreceipt": "",
        "cardlist": [_line(card) for card in order.cards],
        "cards": [_card(card) for card in order.cards],
    }  # fmt: skip


def _line(card: CardFacts) -> str:
    return f"卡号：{card.number} 卡密：{card.code}" if card.number else f"卡密：{card.code}"


def _card(card: CardFacts) -> dict[str, Any]:
    return {
        "card_no": card.number, "card_pwd": card.code, "card_type": 1, "card_denomination": 0,
        "card_expire_at": 0,
    }  # fmt: skip


def notice(order: OrderFacts, secret: str, now_s: int) -> dict[str, Any]:
    """A notice about an order; its signature covers the cards."""
    told = {
        "push_type": int(is_card(order.kind)), **order_row(order), "timestamp": now_s,
    }  # fmt: skip
    return told | {"sign": sign(told, secret)}
