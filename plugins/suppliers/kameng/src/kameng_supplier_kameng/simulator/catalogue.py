"""What the simulated station sells, and how its lists show it."""

from dataclasses import replace
from typing import Any

from kameng_sdk.money import Money
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferField, OfferKind

PHONE = (OfferField(name="phone", label="手机号"),)
PLAYER = (
    OfferField(name="player_id", label="角色编号"),
    OfferField(name="server", label="区服", choices=("一区", "二区")),
)
PLENTY = 1000  # "so many or more, or not counted"
MOST_AT_ONCE = 100
_GOODS = (
    Goods(
        ref="STEAM-50", name="Steam 钱包卡 50元", category="游戏点卡",
        cost=Money.parse("47.70"), stock=200,
    ),
    Goods(
        ref="STEAM-100", name="Steam 钱包卡 100元", category="游戏点卡",
        cost=Money.parse("95.20"), stock=12,
    ),
    Goods(
        ref="NETEASE-30", name="网易一卡通 30点", category="游戏点卡", cost=Money.parse("28.5550"),
    ),
    Goods(
        ref="IQIYI-30", name="爱奇艺黄金会员 月卡", category="影视会员",
        cost=Money.parse("17.80"), stock=80, maximum=5,
    ),
    Goods(
        ref="PHONE-50", name="话费充值 50元", category="话费充值",
        cost=Money.parse("49.20"), kind=OfferKind.TOP_UP, fields=PHONE,
    ),
    Goods(
        ref="PUBG-660", name="和平精英 660点券", category="游戏直充",
        cost=Money.parse("58.20"), kind=OfferKind.TOP_UP, fields=PLAYER,
    ),
    Goods(
        ref="BOOST-1", name="账号代练 一小时", category="人工服务",
        cost=Money.parse("36.00"), kind=OfferKind.MANUAL, fields=PLAYER[:1],
    ),
    Goods(
        ref="SKIN-1", name="绝版皮肤兑换码 一枚", category="游戏点卡",
        cost=Money.parse("186.00"), on_sale=False, stock=0,
    ),
)  # fmt: skip
GOODS = tuple(replace(goods, maximum=goods.maximum or MOST_AT_ONCE) for goods in _GOODS)
CATEGORIES = {goods.category: number for number, goods in enumerate(GOODS, 1)}


def item(article: Goods) -> dict[str, Any]:
    """One SKU as the interface shows it: the name of its product and its own."""
    name, _, sku_name = article.name.rpartition(" ")
    stock = PLENTY if article.stock is None else min(article.stock, PLENTY)
    return {
        "sku": article.ref,
        "product": article.ref.partition("-")[0].lower(),
        "name": name,
        "sku_name": sku_name,
        "category": article.category,
        "category_id": CATEGORIES.get(article.category, 0),
        "kind": article.kind.value,
        "price": decimal(article.cost),
        "face_value": decimal(article.cost),
        "stock": stock,
        "on_sale": article.on_sale,
        "minimum": article.minimum,
        "maximum": article.maximum or MOST_AT_ONCE,
        "description": "模拟商品",
        "fields": [_field(field) for field in article.fields],
    }


def decimal(amount: Money) -> str:
    """Two places, or four where two would not do."""
    return amount.format(4 if amount.amount % 100 else 2)


def _field(field: OfferField) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label,
        "kind": "choice" if field.choices else "text",
        "required": field.required,
        "choices": list(field.choices),
        "hint": "",
    }
