"""Our goods as the store's: one commodity for each SKU, its code is the SKU's id."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from kameng.openapi.domain.amounts import decimal
from kameng.openapi.domain.dialects.acg_shared.form import Form, text_of
from kameng.openapi.domain.dialects.acg_shared.refusals import No
from kameng.openapi.domain.facts import FieldFacts, ProductFacts

# Names that requests use themselves: a field of ours that is called so goes by another one.
OWN_NAMES = frozenset({
    "app_id", "app_key", "card_id", "code", "contact", "coupon", "device", "from", "item_id", "num",
    "password", "pay_id", "race", "request_no", "shared_code", "sign", "sku",
})  # fmt: skip
ASIDE = "x_"
BY_ITSELF, BY_HAND = 0, 1


def catalogue(found: Iterable[ProductFacts]) -> list[dict[str, Any]]:
    """Categories with their goods, each in the order of its id."""
    shelves: dict[int, dict[str, Any]] = {}
    for one in sorted(found, key=lambda one: (one.category_id, one.sku_id)):
        shelf = shelves.setdefault(
            one.category_id, {"id": one.category_id, "name": one.category, "children": []}
        )
        shelf["children"].append(commodity(one))
    return list(shelves.values())


def commodity(sku: ProductFacts) -> dict[str, Any]:
    """One of the goods, with all that stores ask of it. Costs are none of their business."""
    price = decimal(sku.price)
    return {
        "id": sku.sku_id,
        "category_id": sku.category_id,
        "code": str(sku.sku_id),
        "name": f"{sku.name} {sku.sku_name}".strip(),
        "description": sku.description,
        "cover": "",
        "price": price,
        "user_price": price,
        "factory_price": price,
        "delivery_way": BY_ITSELF if is_card(sku.kind) else BY_HAND,
        "stock": max(0, sku.stock),
        "status": 1 if sku.on_sale else 0,
        "api_status": 1,
        "minimum": sku.minimum,
        "maximum": sku.maximum,
        "widget": json.dumps([_widget(one) for one in sku.fields], ensure_ascii=False),
        "config": "",
        "contact_type": 0,
        "password_status": 0,
        "seckill_status": 0,
        "draft_status": 0,
        "draft_premium": "0.00",
        "inventory_hidden": 0,
        "only_user": 0,
        "purchase_count": 0,
    }


def inventory(sku: ProductFacts) -> dict[str, Any]:
    """How much of it is left, and what it costs the caller."""
    price = decimal(sku.price)
    return {
        "count": max(0, sku.stock),
        "delivery_way": BY_ITSELF if is_card(sku.kind) else BY_HAND,
        "draft_status": 0,
        "price": price,
        "user_price": price,
        "config": "",
        "factory_price": price,
        "is_category": False,
    }


def is_card(kind: str) -> bool:
    """Whether goods come at once, by themselves."""
    return kind not in ("top_up", "manual")


def inputs_of(form: Form, fields: Iterable[FieldFacts]) -> dict[str, str]:
    """What the form says for the fields of a SKU; what nobody asked for is left alone."""
    given = {field.name: text_of(form, wire_name(field.name)) for field in fields}
    return {name: text for name, text in given.items() if text}


def wire_name(name: str) -> str:
    """How a field is called in forms: aside where a request uses the name itself."""
    return f"{ASIDE}{name}" if name in OWN_NAMES or name.startswith(ASIDE) else name


def check_variant(form: Form) -> None:
    """Raises `No` for a kind or a specification: each SKU is one of the goods here."""
    race, sku = text_of(form, "race"), form.get("sku")
    if race:
        raise No(f"此商品类型不存在[{race[:50]}]")
    if isinstance(sku, Mapping) and any(sku.values()):
        raise No("此商品类型不存在[sku]")


def _widget(field: FieldFacts) -> dict[str, str]:
    # `shown=value` with commas between: choices with these signs in them are typed instead.
    listed = bool(field.choices) and not any(re.search(r"[=,\n]", one) for one in field.choices)
    return {
        "cn": field.label,
        "title": field.label,
        "name": wire_name(field.name),
        "placeholder": field.hint if listed or not field.choices else " / ".join(field.choices),
        "type": "select" if listed else "text",
        "regex": "",
        "error": "",
        "dict": ",".join(f"{one}={one}" for one in field.choices) if listed else "",
    }
