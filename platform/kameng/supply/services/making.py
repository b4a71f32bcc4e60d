"""A product of our own out of an offer: a draft with its SKU, fields and cost, already mapped."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from kameng.catalog.api import FieldRule, create_product, create_sku, save_fields
from kameng.db import db
from kameng.errors import NotFound
from kameng.identity.api import audit
from kameng.supply.domain.mapping import own_field
from kameng.supply.models import SupplyOffer
from kameng.supply.services.mapping import MappedTo, map_offers, set_sourcing

MOST_QUANTITY = 100_000
USUAL_QUANTITY = 20
MOST_LABEL = 40


def make_product(
    offer: SupplyOffer, category_id: int, name: str, sku_name: str, face_value: int, actor: str
) -> int:
    """Its number. The product stays a draft until a person puts it on the shelf.

    In the open main scope, and it commits. Raises `NotFound`, `Conflict` (made before) and the
    refusals of catalog.
    """
    if db.session.get(SupplyOffer, (offer.supplier_id, offer.id)) is None:
        raise NotFound("offer_unknown", _l("没有这条供货"))
    offer_id, kind, cost, theirs = offer.id, offer.kind, offer.cost, list(offer.fields)
    least = min(offer.minimum, MOST_QUANTITY)
    most = max(least, min(offer.maximum or USUAL_QUANTITY, MOST_QUANTITY))
    code = f"offer-{offer_id}"
    product_id = create_product(code, name, category_id, kind)
    sku_id = create_sku(
        product_id, code, sku_name or name, cost, actor, face_value=face_value,
        min_quantity=least, max_quantity=most,
    )  # fmt: skip
    rules, input_map = _fields(theirs)
    save_fields(product_id, rules)
    if kind == "card":
        set_sourcing(sku_id, "supplier", actor)
    map_offers([MappedTo(offer_id=offer_id, sku_id=sku_id, input_map=input_map)], actor)
    audit(actor, "product.create", f"product:{product_id}", {"name": name})
    db.session.commit()
    return product_id


def _fields(theirs: list[dict[str, object]]) -> tuple[list[FieldRule], dict[str, str]]:
    rules: list[FieldRule] = []
    input_map: dict[str, str] = {}
    for number, field in enumerate(theirs, 1):
        choices = tuple(str(choice) for choice in _list(field.get("choices")))
        label = str(field.get("label") or field["name"])[:MOST_LABEL]
        taken = {rule.name for rule in rules}
        name, kind = own_field(str(field["name"]), label, number, taken, choices=bool(choices))
        rules.append(
            FieldRule(name, label, kind, bool(field.get("required", True)), choices=choices)
        )
        input_map[str(field["name"])] = name
    return rules, input_map


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
