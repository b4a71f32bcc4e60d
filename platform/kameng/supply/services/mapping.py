"""Which SKU an offer is, and how a SKU is supplied: decided by people, with all that follows.

In the open main scope, and they commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, text

from kameng.catalog.api import FieldRule, fields_of, forget_levels, put_sourcing
from kameng.db import db
from kameng.errors import DomainError, NotFound
from kameng.identity.api import audit
from kameng.supply.domain.costing import BP, MAX_COST, Policy
from kameng.supply.domain.mapping import Field, Goods, Suggestion, fits, map_fields, suggest
from kameng.supply.models import SupplyOffer, SupplyPolicy
from kameng.supply.services import levels

SOURCINGS = ("pool", "pool_first", "supplier")
MOST_BP = 100_000

_SKU_NAMES = text("""
SELECT s.id, p.name || ' ' || s.name AS name, p.kind, s.face_value
FROM sku s JOIN product p ON p.id = s.product_id ORDER BY s.id
""")
_SKU = text("""
SELECT s.id, p.id AS product_id, p.kind FROM sku s JOIN product p ON p.id = s.product_id
WHERE s.id = :sku
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedTo:
    """One offer, the SKU it is, and which of our fields each of its fields is (None: by itself)."""

    offer_id: int
    sku_id: int
    input_map: Mapping[str, str] | None = None


def suggestions(offers: Sequence[SupplyOffer]) -> dict[int, list[Suggestion]]:
    """For each offer the SKUs that it may be, best first."""
    skus = [Goods(**row) for row in db.session.execute(_SKU_NAMES).mappings()]
    return {
        offer.id: suggest(Goods(id=offer.id, name=offer.name, kind=offer.kind), skus)
        for offer in offers
    }


def field_map(offer: SupplyOffer, sku_id: int) -> dict[str, str]:
    """Their field → ours, as far as names, labels and known words tell."""
    return map_fields(their_fields(offer), our_fields(sku_id))


def their_fields(offer: SupplyOffer) -> list[Field]:
    """What the supplier wants to know."""
    return [
        Field(
            name=field["name"], label=field.get("label", ""), required=field.get("required", True)
        )
        for field in offer.fields
    ]  # fmt: skip


def our_fields(sku_id: int) -> list[Field]:
    """What shoppers of a SKU are asked. Raises `NotFound`."""
    return [_field(rule) for rule in fields_of(_sku(sku_id).product_id)]


def map_offers(wanted: Iterable[MappedTo], actor: str) -> int:
    """Say of each offer which SKU it is; all or none. Returns how many.

    Raises `NotFound`, `DomainError("kind_differs" | "field_unknown")`.
    """
    touched: set[int] = set()
    count = 0
    for one in sorted(wanted, key=lambda one: one.offer_id):  # locks in one order
        touched |= _map(one, actor)
        count += 1
    _commit_with_levels(touched)
    return count


def unmap_offer(offer_id: int, actor: str) -> None:
    """The offer is none of our SKUs any more. Raises `NotFound`."""
    offer = _offer(offer_id)
    touched = {offer.sku_id} if offer.sku_id is not None else set()
    offer.sku_id, offer.input_map = None, {}
    audit(actor, "supply.unmap", f"offer:{offer_id}", {"sku_id": next(iter(touched), "")})
    _commit_with_levels(touched)


def switch_offer(offer_id: int, active: bool, actor: str) -> None:
    """Staff's own switch: whether orders may go to this offer. Raises `NotFound`."""
    offer = _offer(offer_id)
    offer.active = active
    action = "supply.offer_on" if active else "supply.offer_off"
    audit(actor, action, f"offer:{offer_id}", {})
    _commit_with_levels({offer.sku_id} if offer.sku_id is not None else set())


def set_sourcing(sku_id: int, sourcing: str, actor: str) -> None:
    """Where cards come from: the pool, the pool before suppliers, or suppliers alone.

    Raises `NotFound`, `DomainError("sourcing_refused")`.
    """
    if sourcing not in SOURCINGS:
        raise DomainError("sourcing_refused", _l("请选择货源"))
    put_sourcing(sku_id, sourcing)
    audit(actor, "supply.sourcing", f"sku:{sku_id}", {"new": sourcing})
    _commit_with_levels({sku_id})


def save_policy(sku_id: int, policy: Policy, actor: str) -> None:
    """How the SKU follows its suppliers. Raises `NotFound`, `DomainError("policy_refused")`."""
    _sku(sku_id)
    amounts = (policy.add_amount, policy.least_cost or 0)
    if not (0 <= policy.add_bp <= MOST_BP and 0 <= policy.loss_bp <= BP) or not all(
        0 <= amount <= MAX_COST for amount in amounts
    ):
        raise DomainError("policy_refused", _l("加价、亏损比例或最低成本超出范围"))
    row = db.session.get(SupplyPolicy, sku_id) or SupplyPolicy(sku_id=sku_id)
    for name, value in asdict(policy).items():
        setattr(row, name, value)
    row.updated_at, row.updated_by = func.now(), actor
    db.session.add(row)
    audit(actor, "supply.policy", f"sku:{sku_id}", asdict(policy))
    _commit_with_levels({sku_id})


def _map(one: MappedTo, actor: str) -> set[int]:
    offer, sku = _offer(one.offer_id), _sku(one.sku_id)
    if not fits(offer.kind, sku.kind):
        raise DomainError("kind_differs", _l("卡密供货只能映射卡密商品，直充和人工也一样"))
    chosen = field_map(offer, one.sku_id) if one.input_map is None else dict(one.input_map)
    theirs = {field.name for field in their_fields(offer)}
    ours = {field.name for field in our_fields(one.sku_id)}
    if not set(chosen) <= theirs or not set(chosen.values()) <= ours:
        raise DomainError("field_unknown", _l("字段映射里有不存在的字段"))
    touched = {one.sku_id} | ({offer.sku_id} if offer.sku_id is not None else set())
    offer.sku_id, offer.input_map = one.sku_id, chosen
    audit(actor, "supply.map", f"offer:{offer.id}", {"sku_id": one.sku_id})
    return touched


def _commit_with_levels(sku_ids: set[int]) -> None:
    moved = levels.refresh(sku_ids, "staff")
    db.session.commit()
    forget_levels([*moved, *sku_ids])


def _offer(offer_id: int) -> SupplyOffer:
    wanted = select(SupplyOffer).where(SupplyOffer.id == offer_id).with_for_update()
    offer: SupplyOffer | None = db.session.scalars(wanted).one_or_none()
    if offer is None:
        raise NotFound("offer_unknown", _l("没有这条供货"))
    return offer


def _sku(sku_id: int) -> Any:
    row = db.session.execute(_SKU, {"sku": sku_id}).one_or_none()
    if row is None:
        raise NotFound("sku_unknown", _l("没有这个规格"))
    return row


def _field(rule: FieldRule) -> Field:
    return Field(name=rule.name, label=rule.label, required=rule.required)
