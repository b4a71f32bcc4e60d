"""What the other Kameng sells as offers: one for each SKU, named by its code."""

from collections.abc import Iterator, Mapping
from typing import Any

from kameng_sdk.money import Money
from kameng_sdk.suppliers import Offer, OfferField, OfferKind

# Bundles are left out: their parts can be had one by one, and a purchase delivers one thing.
KINDS = {"card": OfferKind.CARD, "top_up": OfferKind.TOP_UP, "manual": OfferKind.MANUAL}
PLENTY = 1000  # "so many or more, or not counted"


def offers_of(items: list[Any]) -> Iterator[Offer]:
    """Offers of one page. What cannot be read is left out, the others stay."""
    for item in items:
        try:
            yield _offer(item)
        except (KeyError, TypeError, ValueError):
            continue


def _offer(item: Mapping[str, Any]) -> Offer:
    cost = Money.parse(item["price"])
    stock, minimum, maximum = (_count(item[name]) for name in ("stock", "minimum", "maximum"))
    if cost < Money.zero():
        raise ValueError("a price below zero")
    return Offer(
        sku_ref=_text(item["sku"]),
        name=_name(item),
        cost=cost,
        kind=KINDS[item["kind"]],
        category=item["category"] if isinstance(item.get("category"), str) else "",
        stock=None if stock >= PLENTY else stock,
        on_sale=item["on_sale"] is True,
        minimum=max(1, minimum),
        maximum=maximum,
        fields=tuple(_field(field) for field in item["fields"]),
    )


def _name(item: Mapping[str, Any]) -> str:
    name, sku_name = _text(item["name"]), item.get("sku_name")
    return f"{name} {sku_name}" if isinstance(sku_name, str) and sku_name else name


def _field(field: Mapping[str, Any]) -> OfferField:
    label, choices = field.get("label"), field.get("choices")
    return OfferField(
        name=_text(field["name"]),
        label=label if isinstance(label, str) else "",
        required=field.get("required") is True,
        choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is missing")
    return value


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a count")
    return value
