"""Our goods as the protocol's products: SKUs of one product stand together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from kameng.openapi.domain.amounts import decimal
from kameng.openapi.domain.facts import CategoryFacts, FieldFacts, ProductFacts

PAGE_MOST, PAGE_DEFAULT = 100, 20
COUNTED_TO = 1000
LOW_STOCK = 20
UNLIMITED = -1


def categories(found: Sequence[CategoryFacts]) -> list[dict[str, Any]]:
    """Two levels, as the protocol has: what lies deeper hangs under its topmost category."""
    parents = {one.id: one.parent_id for one in found}
    return [
        {
            "id": one.id,
            "parent_id": _top(one.id, parents),
            "slug": f"category-{one.id}",
            "name": {"zh-CN": one.name},
            "icon": "",
            "sort_order": len(found) - at,
        }
        for at, one in enumerate(found)
    ]


def products(found: Iterable[ProductFacts]) -> list[dict[str, Any]]:
    """Products with their SKUs, each in the order of its id."""
    ordered = sorted(found, key=lambda one: (one.product_id, one.sku_id))
    return [_product(list(skus)) for _, skus in groupby(ordered, key=lambda one: one.product_id)]


def is_manual(kind: str) -> bool:
    """Whether the protocol calls it fulfilled by hand: it asks for a form then."""
    return kind in ("top_up", "manual")


def page_of(text: str | None, default: int, most: int) -> int:
    """A page's number or size out of a query; what makes no sense is the default."""
    if not text or not (text.isascii() and text.isdecimal()) or len(text) > 9:
        return default
    return min(max(1, int(text)), most)


def _product(skus: list[ProductFacts]) -> dict[str, Any]:
    first = skus[0]
    manual = is_manual(first.kind)
    return {
        "id": first.product_id,
        "slug": f"product-{first.product_id}",
        "title": {"zh-CN": first.name},
        "description": {"zh-CN": first.description},
        "content": {},
        "seo_meta": {},
        "images": [],
        "tags": [],
        "price_amount": decimal(min(one.price for one in skus)),
        "fulfillment_type": "manual" if manual else "auto",
        "manual_form_schema": _form(first.fields) if manual or first.fields else None,
        "is_active": any(one.on_sale for one in skus),
        "category_id": first.category_id,
        "skus": [_sku(one) for one in skus],
    }


def _sku(sku: ProductFacts) -> dict[str, Any]:
    # A count that stops somewhere says nothing of what lies beyond.
    left = UNLIMITED if sku.stock >= COUNTED_TO else sku.stock
    return {
        "id": sku.sku_id,
        "sku_code": sku.sku,
        "spec_values": {"规格": sku.sku_name} if sku.sku_name else {},
        "price_amount": decimal(sku.price),
        "stock_status": _status(left),
        "stock_quantity": left,
        "is_active": sku.on_sale,
    }


def _status(left: int) -> str:
    if left == UNLIMITED:
        return "unlimited"
    if left <= 0:
        return "out_of_stock"
    return "low_stock" if left <= LOW_STOCK else "in_stock"


def _form(fields: Iterable[FieldFacts]) -> dict[str, Any]:
    return {"fields": [_field(one) for one in fields]}


def _field(field: FieldFacts) -> dict[str, Any]:
    return {
        "key": field.name,
        "type": "select" if field.choices else "text",
        "label": {"zh-CN": field.label},
        "required": field.required,
        "placeholder": {"zh-CN": field.hint},
        "options": list(field.choices),
    }


def _top(number: int, parents: Mapping[int, int | None]) -> int:
    """The topmost category above, 0 for one that is at the top itself."""
    seen, at = {number}, parents.get(number)
    above = 0
    while at is not None and at in parents and at not in seen:
        seen.add(at)
        above, at = at, parents[at]
    return above
