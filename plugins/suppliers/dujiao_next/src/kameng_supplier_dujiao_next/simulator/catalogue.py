"""What the simulated site sells, and how its lists show it."""

from collections.abc import Sequence
from typing import Any

from kameng_sdk.money import Money
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferField, OfferKind

ACCOUNT = (OfferField(name="account", label="充值账号"),)
PLAYER = (
    OfferField(name="player_id", label="角色编号"),
    OfferField(name="server", label="区服", choices=("一区", "二区")),
)
LOW_STOCK = 20
# Articles are named `product:sku`; those of one product stand together.
GOODS = (
    Goods(
        ref="101:1001", name="Steam 钱包卡 50元", category="游戏点卡 / Steam",
        cost=Money.parse("47.80"), stock=200,
    ),
    Goods(
        ref="101:1002", name="Steam 钱包卡 100元", category="游戏点卡 / Steam",
        cost=Money.parse("95.40"), stock=12,
    ),
    Goods(
        ref="102:1003", name="网易一卡通 30 点", category="游戏点卡 / 网易",
        cost=Money.parse("28.65"),
    ),
    Goods(
        ref="103:1004", name="爱奇艺黄金会员月卡", category="影视会员",
        cost=Money.parse("17.90"), stock=80,
    ),
    Goods(
        ref="104:1005", name="话费直充 50 元", category="话费充值",
        cost=Money.parse("49.25"), kind=OfferKind.TOP_UP, fields=ACCOUNT,
    ),
    Goods(
        ref="105:1006", name="和平精英 660 点券", category="游戏直充",
        cost=Money.parse("58.30"), kind=OfferKind.TOP_UP, fields=PLAYER,
    ),
    Goods(
        ref="106:1007", name="Python 入门课程兑换码", category="课程",
        cost=Money.parse("39.00"), stock=500,
    ),
    Goods(
        ref="107:1008", name="绝版皮肤兑换码", category="游戏点卡 / 网易",
        cost=Money.parse("188.00"), on_sale=False, stock=0,
    ),
)  # fmt: skip


def categories(goods: Sequence[Goods]) -> list[dict[str, Any]]:
    """All steps of all categories, each with its parent's number."""
    numbers = _numbers(goods)
    return [
        {
            "id": number,
            "parent_id": numbers.get(path.rpartition(" / ")[0], 0),
            "slug": f"category-{number}",
            "name": {"zh-CN": path.rpartition(" / ")[2], "en": f"Category {number}"},
            "icon": "",
            "sort_order": 0,
        }
        for path, number in numbers.items()
    ]


def products(goods: Sequence[Goods]) -> list[dict[str, Any]]:
    """Articles with one product number as one product, each a SKU of it."""
    numbers = _numbers(goods)
    together: dict[int, list[Goods]] = {}
    for article in goods:
        together.setdefault(product_id(article), []).append(article)
    return [_product(number, skus, numbers) for number, skus in together.items()]


def product_id(article: Goods) -> int:
    """The first half of its name."""
    return int(article.ref.partition(":")[0])


def yuan(amount: Money) -> str:
    """A decimal text, as the protocol writes sums."""
    return amount.format(4 if amount.amount % 100 else 2)


def _product(number: int, skus: list[Goods], numbers: dict[str, int]) -> dict[str, Any]:
    first = skus[0]
    manual = first.kind is not OfferKind.CARD
    return {
        "id": number,
        "slug": f"product-{number}",
        "title": {"zh-CN": first.name if len(skus) == 1 else first.name.rpartition(" ")[0]},
        "description": {"zh-CN": "模拟商品"},
        "content": {}, "seo_meta": {}, "images": [], "tags": [],
        "price_amount": yuan(first.cost),
        "fulfillment_type": "manual" if manual else "auto",
        "manual_form_schema": {"fields": [_field(one) for one in first.fields]} if manual else None,
        "is_active": any(article.on_sale for article in skus),
        "category_id": numbers[first.category],
        "skus": [_sku(article, alone=len(skus) == 1) for article in skus],
        "created_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
    }  # fmt: skip


def _sku(article: Goods, *, alone: bool) -> dict[str, Any]:
    number = article.ref.partition(":")[2]
    return {
        "id": int(number),
        "sku_code": "DEFAULT" if alone else f"SKU-{number}",
        "spec_values": {} if alone else {"面值": article.name.rpartition(" ")[2]},
        "price_amount": yuan(article.cost),
        "stock_status": _stock_status(article.stock),
        "stock_quantity": -1 if article.stock is None else article.stock,
        "is_active": article.on_sale,
    }


def _field(field: OfferField) -> dict[str, Any]:
    return {
        "key": field.name,
        "type": "select" if field.choices else "text",
        "label": {"zh-CN": field.label},
        "required": field.required,
        "options": list(field.choices),
    }


def _stock_status(stock: int | None) -> str:
    if stock is None:
        return "unlimited"
    if stock == 0:
        return "out_of_stock"
    return "low_stock" if stock <= LOW_STOCK else "in_stock"


def _numbers(goods: Sequence[Goods]) -> dict[str, int]:
    """Paths of categories, parents too, to their numbers."""
    paths: dict[str, int] = {}
    for article in goods:
        parent = article.category.rpartition(" / ")[0]
        for path in filter(None, (parent, article.category)):
            paths.setdefault(path, len(paths) + 1)
    return paths
