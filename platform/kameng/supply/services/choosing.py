"""Which supplier gets an order now: the facts of every offer, ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db, main_scope
from kameng.plugins import api as plugins
from kameng.supply.domain.routing import Choice, Ranked, rank

PASSING = frozenset({"broken", "no_funds", "resting"})  # may be over in a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an order still wants. `unit_cap`: what one piece may cost, so that no sale is a loss."""

    station_id: int
    order_id: int
    state: str
    sku_id: int
    missing: int
    unit_cap: int
    unit_cost: int
    month: str
    age_s: int
    when_none: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The ranking for one order, and the rows behind it."""

    wanted: Wanted
    ranked: tuple[Ranked, ...]
    offers: Mapping[int, Row[Any]] = field(repr=False)

    @property
    def chosen(self) -> Ranked | None:
        """The supplier to ask, or None."""
        return next((one for one in self.ranked if one.outcome == "chosen"), None)

    @property
    def may_pass(self) -> bool:
        """Nobody can be asked now, but somebody perhaps in a minute."""
        return any(one.why in PASSING for one in self.ranked)

    def explained(self) -> list[dict[str, Any]]:
        """For the purchase's row."""
        return [one.explained() for one in self.ranked]


# The cap: what the order brings to the main station, its cost and its own margin, and a loss only
# as far as the SKU's rule allows one.
_WANTED = text("""
SELECT o.station_id, o.id AS order_id, o.state, o.sku_id, o.inputs,
       o.quantity - coalesce((SELECT sum(p.delivered) FROM purchase p
         WHERE p.station_id = o.station_id AND p.order_id = o.id AND p.state = 'succeeded'), 0) AS missing,
       div((c.cost + greatest(0, coalesce(m.margin, 0))) * (10000 + coalesce(r.loss_bp, 0))::numeric, 10000)::bigint AS unit_cap,
       c.cost AS unit_cost, to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYMM') AS month,
       extract(epoch FROM now() - coalesce(o.paid_at, o.created_at))::int AS age_s,
       coalesce(r.when_none, 'refund') AS when_none
FROM orders o JOIN order_cost c ON c.station_id = o.station_id AND c.order_id = o.id
LEFT JOIN LATERAL (SELECT u.margin FROM unnest(c.parties, c.margins) AS u(party, margin) WHERE u.party = 1) m ON true
LEFT JOIN supply_policy r ON r.sku_id = o.sku_id
WHERE o.station_id = :station AND o.id = :order AND o.source = 'supplier'
  AND o.state IN ('paid', 'fulfilling', 'partially_delivered')
  AND NOT order_waits(o.station_id, o.id) AND NOT (SELECT active FROM recovering())
""")  # noqa: E501  # SQL reads better in whole clauses

_OFFERS = text("""
SELECT f.id AS offer_id, f.cost, f.stock, f.on_sale AND f.gone_at IS NULL AS on_sale, f.minimum,
       f.maximum, f.input_map, f.fields, c.id AS connection_id, c.plugin_id, c.account,
       coalesce(c.broken_until > now(), false) AS broken, s.id AS supplier_id, s.name AS supplier,
       coalesce(s.grade, '') AS grade, coalesce(k.terms, '') AS terms, kc.cost AS contract_cost,
       CASE WHEN c.balance IS NOT NULL THEN c.balance - coalesce(spent.amount, 0)
            WHEN k.id IS NOT NULL THEN k.credit_limit - (SELECT b.owed FROM supplier_balance(s.id) b)
       END AS funds,
       CASE WHEN EXISTS (SELECT 1 FROM purchase p WHERE p.station_id = :station
              AND p.order_id = :order AND p.offer_id = f.id AND p.state = 'declined'
              AND p.code IN ('misconfigured', 'not_sent')
              AND p.done_at > now() - interval '60 seconds') THEN 'resting'
            WHEN NOT f.active THEN 'switched_off' WHEN s.state <> 'active' THEN 'supplier_paused'
            WHEN c.state <> 'active' THEN 'connection_paused'
            WHEN k.id IS NULL AND EXISTS (SELECT 1 FROM supplier_contract x
              WHERE x.supplier_id = s.id AND x.state <> 'draft') THEN 'contract_over'
            WHEN EXISTS (SELECT 1 FROM supplier_document d WHERE d.supplier_id = s.id
              AND d.state = 'approved' AND d.kind IN ('business_licence', 'telecom_licence')
              AND d.valid_until < current_date AND NOT EXISTS (SELECT 1 FROM supplier_document n
                WHERE n.supplier_id = d.supplier_id AND n.kind = d.kind AND n.state = 'approved'
                AND coalesce(n.valid_until, 'infinity') >= current_date)) THEN 'papers_expired'
            ELSE '' END AS blocked,
       EXISTS (SELECT 1 FROM purchase p WHERE p.station_id = :station AND p.order_id = :order
         AND p.offer_id = f.id AND p.state IN ('declined', 'succeeded')
         AND p.code NOT IN ('misconfigured', 'not_sent')) AS tried
FROM supply_offer f JOIN supply_connection c ON c.id = f.connection_id
JOIN supplier s ON s.id = f.supplier_id
LEFT JOIN LATERAL (SELECT x.id, x.terms, x.credit_limit FROM supplier_contract x
  WHERE x.supplier_id = s.id AND x.state = 'active'
  AND current_date BETWEEN x.valid_from AND x.valid_until ORDER BY x.signed_at DESC LIMIT 1) k ON true
LEFT JOIN contract_cost kc ON kc.contract_id = k.id AND kc.sku_id = f.sku_id
LEFT JOIN LATERAL (SELECT sum(coalesce(p.cost, p.max_cost)) AS amount FROM purchase p
  WHERE p.supplier_id = c.supplier_id AND p.connection_id = c.id AND p.created_at > c.balance_at AND p.state <> 'declined') spent ON true
WHERE f.sku_id = :sku ORDER BY f.id
""")  # noqa: E501  # SQL reads better in whole clauses


def wanted(station_id: int, order_id: int) -> Wanted | None:
    """What an order still wants from suppliers; None when nothing. Opens its own scope."""
    with main_scope(reason="what an order wants"):
        row = db.session.execute(_WANTED, {"station": station_id, "order": order_id}).first()
    return None if row is None or row.missing <= 0 else Wanted(**row._mapping)


def plan(order: Wanted) -> Plan:
    """Rank every offer for an order. Opens its own scopes; calls no supplier."""
    given = {"station": order.station_id, "order": order.order_id, "sku": order.sku_id}
    with main_scope(reason="route an order"):
        rows = db.session.execute(_OFFERS, given).all()
    off = _switched_off({(row.plugin_id, row.account) for row in rows})
    ranked = rank(
        (_choice(row, off) for row in rows), quantity=order.missing, unit_cap=order.unit_cap
    )
    return Plan(wanted=order, ranked=tuple(ranked), offers={row.offer_id: row for row in rows})


def _switched_off(accounts: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Accounts whose plugin is missing, off or misconfigured."""
    off = set()
    for plugin_id, account in accounts:
        try:
            plugins.supplier(plugin_id, account, switched_on=True)
        except plugins.PluginUnavailable:
            off.add((plugin_id, account))
    return off


def _choice(row: Row[Any], off: set[tuple[str, str]]) -> Choice:
    blocked = "plugin_off" if (row.plugin_id, row.account) in off else row.blocked
    return Choice(
        supplier_id=row.supplier_id, supplier=row.supplier, connection_id=row.connection_id,
        offer_id=row.offer_id, cost=row.cost, stock=row.stock, on_sale=row.on_sale,
        minimum=row.minimum, maximum=row.maximum, grade=row.grade, terms=row.terms,
        contract_cost=row.contract_cost, funds=row.funds, broken=row.broken, tried=row.tried,
        blocked=blocked,
    )  # fmt: skip
