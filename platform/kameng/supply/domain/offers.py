"""What a supplier's list says against what we know of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kameng_sdk.suppliers import Offer

CURRENCY = "CNY"
HISTORY = ("cost", "on_sale")  # a change of these is kept for ever
NEWS = (*HISTORY, "kind", "minimum", "maximum", "fields")  # a change of these is shown as one
VALUES = (*NEWS, "name", "category", "stock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How one offer differs: ``old`` is None for a new one, else what is known of it.

    ``touched``: something at all has changed; ``news``: more than its stock or name; ``history``:
    its cost, or whether it can be bought. One that was gone and is back is news and history.
    """

    new: Mapping[str, Any]
    old: Any = None
    touched: bool = True
    news: bool = True
    history: bool = True


def values_of(offer: Offer) -> dict[str, Any]:
    """An offer as it is kept."""
    return {
        "sku_ref": offer.sku_ref, "name": offer.name.strip() or offer.sku_ref,
        "category": offer.category.strip(), "kind": offer.kind.value, "cost": offer.cost.amount,
        "stock": offer.stock, "on_sale": offer.on_sale, "minimum": offer.minimum,
        "maximum": offer.maximum,
        "fields": [
            {
                "name": field.name, "label": field.label, "required": field.required,
                "choices": [str(choice).replace("\0", "") for choice in field.choices],
            }
            for field in offer.fields
        ],
    }  # fmt: skip


def usable_offers(offers: Iterable[Offer]) -> tuple[list[dict[str, Any]], int]:
    """The offers as they are kept, each number once, and how many were left out.

    Left out are amounts in a foreign currency and numbers that came before on the same list.
    """
    found: dict[str, dict[str, Any]] = {}
    left_out = 0
    for offer in offers:
        if offer.cost.currency != CURRENCY or offer.sku_ref in found:
            left_out += 1
        else:
            found[offer.sku_ref] = values_of(offer)
    return list(found.values()), left_out


def compare(new: Mapping[str, Any], old: Any) -> Difference:
    """``old`` has the columns of an offer as attributes; None when it is not known yet."""
    if old is None:
        return Difference(new=new)
    back = old.gone_at is not None
    changed = {name for name in VALUES if getattr(old, name) != new[name]}
    return Difference(
        new=new, old=old, touched=back or bool(changed),
        news=back or not changed.isdisjoint(NEWS), history=back or not changed.isdisjoint(HISTORY),
    )  # fmt: skip
