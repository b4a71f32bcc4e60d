"""The site's products as offers: one for each SKU, its number is ``product:sku``."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kameng_sdk.errors import Declined
from kameng_sdk.money import Money
from kameng_sdk.suppliers import Offer, OfferField, OfferKind

LANGUAGES = ("zh-CN", "zh-TW", "en")
UNLIMITED = -1


def offers_of(product: Mapping[str, Any], categories: Mapping[int, str]) -> Iterator[Offer]:
    """Offers of one product. A SKU that cannot be read is left out, the others stay."""
    for sku in _list(product.get("skus")):
        try:
            yield _offer(product, sku, categories)
        except (KeyError, TypeError, ValueError):
            continue


def category_paths(categories: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Names by number, with the parent's in front: the protocol has at most two levels."""
    known = {one["id"]: one for one in categories if isinstance(one, dict) and "id" in one}
    paths = {}
    for number, one in known.items():
        parent = known.get(one.get("parent_id"))
        steps = [said(parent.get("name")) if parent else "", said(one.get("name"))]
        paths[number] = " / ".join(step for step in steps if step)
    return paths


@dataclass(frozen=True, slots=True)
class SkuRef:
    """Where a SKU is found: orders name the SKU, reading it needs its product."""

    product_id: int
    sku_id: int

    @classmethod
    def parse(cls, text: str) -> "SkuRef":
        """Raises `Declined`: nothing can be bought by such a number."""
        product, _, sku = text.partition(":")
        if not all(
            part.isascii() and part.isdecimal() and len(part) < 19 for part in (product, sku)
        ):
            raise Declined("sku_ref", "商品编号应为 商品号:规格号")
        return cls(int(product), int(sku))


def sku_of(product: Mapping[str, Any], sku_id: int) -> Mapping[str, Any]:
    """The SKU of that number; raises `Declined` when the product has none."""
    for sku in _list(product.get("skus")):
        if sku.get("id") == sku_id:
            return sku
    raise Declined("sku_unavailable", "上游商品已没有这个规格")


def price_of(sku: Mapping[str, Any]) -> Money:
    """What one piece costs this account; raises `ValueError`. Prices stand at our level already."""
    price = Money.parse(str(sku["price_amount"]))
    if price < Money.zero():
        raise ValueError("a price below zero")
    return price


def is_manual(product: Mapping[str, Any]) -> bool:
    """Whether a person over there fulfils it, from what the form asks for."""
    return product.get("fulfillment_type") == "manual"


def said(value: object) -> str:
    """A text in several languages, in the best of them for us."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    texts = [value.get(language) for language in LANGUAGES] + list(value.values())
    return next((text for text in texts if isinstance(text, str) and text), "")


def _offer(
    product: Mapping[str, Any], sku: Mapping[str, Any], categories: Mapping[int, str]
) -> Offer:
    left = sku["stock_quantity"]
    fields = tuple(_fields(product))
    return Offer(
        sku_ref=f"{int(product['id'])}:{int(sku['id'])}",
        name=_name(product, sku),
        cost=price_of(sku),
        kind=_kind(product, fields),
        category=categories.get(product.get("category_id", 0), ""),
        stock=None if left == UNLIMITED else max(0, int(left)),
        on_sale=_on_sale(product, sku),
        fields=fields,
    )


def _name(product: Mapping[str, Any], sku: Mapping[str, Any]) -> str:
    title = said(product["title"])
    if not title:
        raise ValueError("a product without a name")
    specs = sku.get("spec_values")
    details = [said(value) for value in specs.values()] if isinstance(specs, dict) else []
    return " ".join([title, *filter(None, details)])


def _kind(product: Mapping[str, Any], fields: tuple[OfferField, ...]) -> OfferKind:
    if not is_manual(product):
        return OfferKind.CARD
    return OfferKind.TOP_UP if fields else OfferKind.MANUAL


def _on_sale(product: Mapping[str, Any], sku: Mapping[str, Any]) -> bool:
    active = product.get("is_active") is True and sku.get("is_active") is True
    return active and sku.get("stock_status") != "out_of_stock"


def _fields(product: Mapping[str, Any]) -> Iterator[OfferField]:
    form = product.get("manual_form_schema")
    if not is_manual(product) or not isinstance(form, dict):
        return
    for field in _list(form.get("fields")):
        choices = field.get("options")
        yield OfferField(
            name=str(field["key"]),
            label=said(field.get("label")),
            required=field.get("required") is True,
            choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
        )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _list(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
