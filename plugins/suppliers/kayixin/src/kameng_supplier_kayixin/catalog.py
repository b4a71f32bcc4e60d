"""Reads what the site sells: page by page, and each of the goods in detail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined, HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.suppliers import Offer, OfferField, OfferKind, OfferPage

from .account import KayixinAccount
from .client import call
from .values import amount, text, whole

# The site fixes the size of its pages; stock, limits and fields need a question for each of the
# goods, and twenty of them fit well into the time of one call.
PORTION = 20
KINDS = {1: OfferKind.CARD, 3: OfferKind.TOP_UP}
ON_SALE = SPEC_ON_SALE = 1
SINGLE, COMBINED, SEPARATE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Spec:
    """One variant of goods that have several."""

    sku: str
    name: str
    money: Money
    stock: int | None
    on_sale: bool


def read_page(ctx: CallContext, account: KayixinAccount, cursor: str) -> OfferPage:
    """A portion of one page; the cursor is `page.first`. Raises `HttpOutcomeUnknown`."""
    page, first = _position(cursor)
    categories = dict(_categories(call(ctx, account, "goods/getDirs").needed()))
    found = call(ctx, account, "goods/getList", _asked(page)).needed()
    if not isinstance(found, dict) or not isinstance(found.get("items"), list):
        raise HttpOutcomeUnknown("the site's list of goods is no list")
    items: list[Any] = found["items"]
    offers = [
        offer
        for item in items[first : first + PORTION]
        for offer in _offers(ctx, account, item, categories)
    ]
    if first + PORTION < len(items):
        return OfferPage(offers=offers, next_cursor=f"{page}.{first + PORTION}")
    more = bool(items) and page < _pages(found)
    return OfferPage(offers=offers, next_cursor=f"{page + 1}.0" if more else "")


def _position(cursor: str) -> tuple[int, int]:
    page, _, first = cursor.partition(".")
    return whole(page) or 1, whole(first) or 0


def _asked(page: int) -> dict[str, object]:
    every = dict.fromkeys(("goodsType", "keyWord", "skuType"), "")
    return {"page": page, **every, "showDirId": "1", "dirId": "", "brandId": ""}


def _pages(found: Mapping[str, object]) -> int:
    """The documents swap the meaning of both counts; there are never more pages than goods."""
    counts = [whole(found.get("allPage")), whole(found.get("allCount"))]
    return min(count for count in (*counts, 1_000_000) if count is not None)


def _categories(tree: object, above: str = "") -> Iterator[tuple[int, str]]:
    if tree is not None and not isinstance(tree, list):
        raise HttpOutcomeUnknown("the site's categories are no list")
    for node in tree or []:
        number = whole(node.get("id")) if isinstance(node, dict) else None
        if number is None:
            continue
        name = text(node.get("name"), 100)
        path = f"{above} / {name}" if above else name
        yield number, path[:500]
        yield from _categories(node.get("children"), path)


def _offers(
    ctx: CallContext, account: KayixinAccount, item: object, categories: Mapping[int, str]
) -> Iterator[Offer]:
    """One offer for goods with one variant, else one for each; none for an unreadable line."""
    offer = _offer(item, categories)
    if offer is None:
        return
    try:
        asked = {"goodsId": int(offer.sku_ref)}
        found = call(ctx, account, "goods/getDetail", asked).needed()
    except (Declined, HttpOutcomeUnknown):
        found = None
    if isinstance(found, dict):
        yield from _detailed(offer, found)
    else:  # without its details nobody can buy it
        yield replace(offer, on_sale=False)


def _offer(item: object, categories: Mapping[int, str]) -> Offer | None:
    if not isinstance(item, dict):
        return None
    number, name = whole(item.get("goodsId")), text(item.get("name"), 500)
    cost, kind = amount(item.get("salesPrice")), KINDS.get(whole(item.get("goodsType")) or 0)
    if not number or not name or cost is None or kind is None:
        return None
    dirs = item.get("dirIds")
    known = (
        [categories.get(whole(dir_) or 0, "") for dir_ in dirs if dir_]
        if isinstance(dirs, list)
        else []
    )
    # One that sends several cards for one would never deliver what was ordered.
    several = whole(item.get("multiple")) or 1
    return Offer(
        sku_ref=str(number), name=name, cost=cost * several, kind=kind,
        category=max(known, key=len, default=""),
        on_sale=whole(item.get("status")) == ON_SALE
        and not (several > 1 and kind is OfferKind.CARD),
    )  # fmt: skip


def _detailed(offer: Offer, found: Mapping[str, Any]) -> Iterator[Offer]:
    offer = replace(
        offer,
        stock=whole(found.get("stockCount")),
        minimum=max(1, whole(found.get("minQuantity")) or 1),
        maximum=whole(found.get("maxQuantity")) or None,
        fields=tuple(_fields(found.get("rechargeTemplates"))),
    )
    if whole(found.get("skuType")) in (None, SINGLE):
        yield offer
        return
    several = whole(found.get("multiple")) or 1
    for spec in _specs(found):
        yield replace(
            offer, sku_ref=f"{offer.sku_ref}:{spec.sku}", name=f"{offer.name} {spec.name}"[:500],
            cost=spec.money * several, stock=spec.stock, on_sale=offer.on_sale and spec.on_sale,
        )  # fmt: skip


def _specs(found: Mapping[str, Any]) -> Iterator[Spec]:
    if whole(found.get("skuType")) == COMBINED:
        sku = found.get("goodsSku")
        for line in _dicts(sku.get("details") if isinstance(sku, dict) else None):
            names = (text(part.get("value")) for part in _dicts(line.get("names")))
            yield from _spec(line, " ".join(names))
        return
    for group in _dicts(found.get("goodsSpec")):
        for line in _dicts(group.get("items")):
            yield from _spec(line, f"{text(group.get('name'))} {text(line.get('title'))}".strip())


def _spec(line: Mapping[str, object], name: str) -> Iterator[Spec]:
    sku, money = text(line.get("sku"), 100), amount(line.get("money"))
    if sku and money is not None:
        on_sale = whole(line.get("status")) == SPEC_ON_SALE
        yield Spec(sku, name, money, whole(line.get("count")), on_sale)


def _fields(templates: object) -> Iterator[OfferField]:
    """The title is what an order repeats as the name; of a choice its value is sent."""
    for line in _dicts(templates):
        title = text(line.get("title"))
        if title:
            options = [
                (text(o.get("name")), text(o.get("value"))) for o in _dicts(line.get("options"))
            ]
            yield OfferField(
                name=title,
                label=_label(title, options),
                required=whole(line.get("required")) != 0,
                choices=tuple(value for _, value in options if value),
            )


def _label(title: str, options: list[tuple[str, str]]) -> str:
    told = "，".join(f"{value}={name}" for name, value in options if name != value)
    return f"{title}（{told}）"[:255] if told else title


def _dicts(found: object) -> list[dict[str, Any]]:
    return [line for line in found if isinstance(line, dict)] if isinstance(found, list) else []
