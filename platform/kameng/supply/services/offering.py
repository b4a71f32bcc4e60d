"""What is known of SKUs and of all that suppliers offer for them, read for many SKUs at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db
from kameng.plugins import api as plugins
from kameng.supply.domain.costing import BP, Policy
from kameng.supply.domain.routing import Choice, Ranked, rank

NO_CAP = 2**62

# `brings`: what a sale leaves for a purchase at the station where that is most, `tight` where it is
# least: the SKU's cost and the main station's own margin, as in the cap of a purchase.
_SKUS = text("""
SELECT s.id, p.name AS product_name, s.name AS sku_name, p.kind, s.sourcing, s.min_quantity,
       s.state = 'on_sale' AND p.state = 'on_sale' AS on_sale, k.cost, w.lowest, w.brings, w.tight,
       r.on_rise, r.follow, r.only_raise, r.add_bp, r.add_amount, r.least_cost, r.loss_bp,
       r.when_none, u.sku_id IS NOT NULL AS has_level, u.available, coalesce(u.paused, '') AS paused
FROM sku s JOIN product p ON p.id = s.product_id LEFT JOIN sku_cost k ON k.sku_id = s.id
LEFT JOIN supply_policy r ON r.sku_id = s.id LEFT JOIN supply_level u ON u.sku_id = s.id
LEFT JOIN LATERAL (
  SELECT min(l.price) AS lowest, max(c.cost + greatest(0, coalesce(m.margin, 0))) AS brings,
         min(c.cost + greatest(0, coalesce(m.margin, 0))) AS tight
  FROM listing l JOIN station st ON st.id = l.station_id
    AND st.state IN ('trial', 'active', 'restricted')
  JOIN price_chain c ON c.station_id = l.station_id AND c.sku_id = l.sku_id
  LEFT JOIN LATERAL (SELECT o.margin FROM unnest(c.parties, c.margins) AS o(party, margin)
    WHERE o.party = 1) m ON true
  WHERE l.sku_id = s.id AND l.active) w ON true
WHERE s.id = ANY(:skus) ORDER BY s.id
""")
# `stock` is less what was bought there since the supplier said it. What holds for a whole supplier
# or connection is reckoned once for it, from its newest purchases alone.
_OFFERS = text("""
WITH mapped AS MATERIALIZED (SELECT * FROM supply_offer WHERE sku_id = ANY(:skus)),
ways AS MATERIALIZED (
  SELECT c.id, c.name, c.plugin_id, c.account, c.state, coalesce(c.broken_until > now(), false) AS broken,
         c.balance - (SELECT coalesce(sum(coalesce(p.cost, p.max_cost)), 0) FROM purchase p
           WHERE p.supplier_id = c.supplier_id AND p.created_at > c.balance_at
             AND p.connection_id = c.id AND p.state <> 'declined') AS left_there
  FROM supply_connection c WHERE c.id IN (SELECT connection_id FROM mapped)),
parties AS MATERIALIZED (
  SELECT s.id, s.name, coalesce(s.grade, '') AS grade, s.state, k.id AS contract_id, coalesce(k.terms, '') AS terms,
         CASE WHEN k.id IS NOT NULL THEN k.credit_limit - (SELECT b.owed FROM supplier_balance(s.id) b) END AS credit,
         k.id IS NULL AND EXISTS (SELECT 1 FROM supplier_contract x
           WHERE x.supplier_id = s.id AND x.state <> 'draft') AS contract_over,
         EXISTS (SELECT 1 FROM supplier_document d WHERE d.supplier_id = s.id
           AND d.state = 'approved' AND d.kind IN ('business_licence', 'telecom_licence')
           AND d.valid_until < current_date AND NOT EXISTS (SELECT 1 FROM supplier_document n
             WHERE n.supplier_id = d.supplier_id AND n.kind = d.kind AND n.state = 'approved'
             AND coalesce(n.valid_until, 'infinity') >= current_date)) AS papers_expired
  FROM supplier s
  LEFT JOIN LATERAL (SELECT x.id, x.terms, x.credit_limit FROM supplier_contract x
    WHERE x.supplier_id = s.id AND x.state = 'active'
    AND current_date BETWEEN x.valid_from AND x.valid_until ORDER BY x.signed_at DESC LIMIT 1) k ON true
  WHERE s.id IN (SELECT supplier_id FROM mapped))
SELECT f.sku_id, f.id AS offer_id, f.name, f.sku_ref, f.cost, f.seen_at, f.minimum, f.maximum,
       CASE WHEN f.stock IS NOT NULL THEN
         greatest(0, f.stock - (SELECT coalesce(sum(p.quantity), 0) FROM purchase p
           WHERE p.supplier_id = f.supplier_id AND p.created_at > f.seen_at AND p.offer_id = f.id
             AND p.state <> 'declined'))::int END AS stock,
       f.on_sale AND f.gone_at IS NULL AS on_sale, c.id AS connection_id, c.name AS connection,
       c.plugin_id, c.account, c.broken, s.id AS supplier_id, s.name AS supplier, s.grade, s.terms,
       kc.cost AS contract_cost, coalesce(c.left_there, s.credit) AS funds,
       CASE WHEN NOT f.active THEN 'switched_off' WHEN s.state <> 'active' THEN 'supplier_paused'
            WHEN c.state <> 'active' THEN 'connection_paused' WHEN s.contract_over THEN 'contract_over'
            WHEN s.papers_expired THEN 'papers_expired' ELSE '' END AS blocked
FROM mapped f JOIN ways c ON c.id = f.connection_id JOIN parties s ON s.id = f.supplier_id
LEFT JOIN contract_cost kc ON kc.contract_id = s.contract_id AND kc.sku_id = f.sku_id
ORDER BY f.id
""")  # noqa: E501  # SQL reads better in whole clauses
_POLICY = ("on_rise", "follow", "only_raise", "add_bp", "add_amount", "least_cost", "loss_bp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """One SKU with its rule, its prices and its offers. Amounts are of one piece, at scale 4.

    ``lowest`` is the lowest price that any station asks; None when none sells it.
    """

    sku: Row[Any]
    policy: Policy
    offers: Sequence[Row[Any]]
    off: Collection[tuple[str, str]] = field(repr=False)

    @property
    def bought(self) -> bool:
        """Whether sales of it lead to purchases: cards of the pool alone never do."""
        return bool(self.sku.kind != "card" or self.sku.sourcing != "pool")

    def unit_cap(self, cost: int | None = None) -> int:
        """What a purchase may cost at the station that leaves most; ``cost``: as of now."""
        if self.sku.brings is None:
            return NO_CAP
        return int(max(self.sku.brings, cost or 0) * (BP + self.policy.loss_bp) // BP)

    def best_cost(self) -> int | None:
        """What the best offer asks. A supplier that only rests is still the best."""
        choices = [_choice(row, self.off, lasting=True) for row in self.offers]
        ranked = rank(choices, quantity=self.sku.min_quantity, unit_cap=NO_CAP)
        return ranked[0].choice.cost if ranked and ranked[0].outcome == "chosen" else None

    def ranked(self, quantity: int, unit_cap: int) -> list[Ranked]:
        """Who would get an order of so many pieces at this moment, and why."""
        choices = [_choice(row, self.off, lasting=False) for row in self.offers]
        return rank(choices, quantity=quantity, unit_cap=unit_cap)


def supplies(sku_ids: Collection[int]) -> list[Supply]:
    """All about these SKUs, by number; in the open main scope. Unknown SKUs are left out."""
    wanted = {"skus": sorted(set(sku_ids))}
    offers: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in db.session.execute(_OFFERS, wanted):
        offers[row.sku_id].append(row)
    off = _switched_off({(row.plugin_id, row.account) for rows in offers.values() for row in rows})
    return [
        Supply(sku=row, policy=_policy(row), offers=offers.get(row.id, ()), off=off)
        for row in db.session.execute(_SKUS, wanted)
    ]


def _policy(row: Row[Any]) -> Policy:
    if row.on_rise is None:
        return Policy()
    return Policy(when_none=row.when_none, **{name: getattr(row, name) for name in _POLICY})


def _choice(row: Row[Any], off: Collection[tuple[str, str]], *, lasting: bool) -> Choice:
    """``lasting``: without what may be over in a minute (a rest, an empty account)."""
    return Choice(
        supplier_id=row.supplier_id, supplier=row.supplier, connection_id=row.connection_id,
        offer_id=row.offer_id, cost=row.cost, stock=row.stock, on_sale=row.on_sale,
        minimum=row.minimum, maximum=row.maximum, grade=row.grade, terms=row.terms,
        contract_cost=row.contract_cost, funds=None if lasting else row.funds,
        broken=False if lasting else row.broken,
        blocked="plugin_off" if (row.plugin_id, row.account) in off else row.blocked,
    )  # fmt: skip


def _switched_off(accounts: Collection[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    off = set()
    for plugin_id, account in accounts:
        try:
            plugins.supplier(plugin_id, account, switched_on=True)
        except plugins.PluginUnavailable:
            off.add((plugin_id, account))
    return frozenset(off)
