"""All that pricing computes from, read in a handful of set-based queries. Main scope."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select, text

from kameng.db import db
from kameng.pricing.domain import (
    Chain,
    Goods,
    Level,
    Rule,
    Step,
    Target,
    cost_step,
    finish_chain,
    most_specific,
    wholesale,
)
from kameng.pricing.models import PriceRule

_STATIONS = text("""
SELECT id, path, grade, state NOT IN ('applied', 'closed') AS sells FROM station
""")
_GOODS = text("""
SELECT s.id, c.cost, c.floor_price, c.ceiling_price, p.category_id
FROM sku s JOIN sku_cost c ON c.sku_id = s.id JOIN product p ON p.id = s.product_id
WHERE p.state <> 'draft' AND (CAST(:skus AS bigint[]) IS NULL OR s.id = ANY(:skus))
ORDER BY s.id
""")
_PARENTS = text("SELECT id, parent_id FROM category")
_FIXED = text("""
SELECT station_id, sku_id, fixed_price FROM listing
WHERE fixed_price IS NOT NULL AND sku_id = ANY(:skus)
""")

RuleTable = dict[tuple[int, str], tuple[dict[int, list[Rule]], list[Rule]]]


@dataclass(slots=True)
class World:
    """Stations, goods and rules of one computation."""

    paths: dict[int, tuple[Level, ...]]
    selling: list[int]
    goods: list[Goods]
    rules: RuleTable
    upstream: dict[tuple[int, int], tuple[tuple[int, ...], tuple[Step, ...]]] = field(
        default_factory=dict
    )

    def find(self, owner_id: int, purpose: str, target: Target) -> Rule | None:
        """The owner's most specific rule for this target."""
        table = self.rules.get((owner_id, purpose))
        if table is None:
            return None
        by_sku, general = table
        return most_specific((*by_sku.get(target.sku_id, ()), *general), target)

    def chain(self, station_id: int, goods: Goods, fixed_price: int | None) -> Chain:
        """The chain of one listing; what stations share is computed once."""
        prices, steps = self._purchase_prices(station_id, goods)
        path = self.paths[station_id]
        return finish_chain(goods, path, prices, steps, fixed_price, self.find)

    def _purchase_prices(
        self, station_id: int, goods: Goods
    ) -> tuple[tuple[int, ...], tuple[Step, ...]]:
        known = self.upstream.get((station_id, goods.sku_id))
        if known is not None:
            return known
        path = self.paths[station_id]
        prices: tuple[int, ...] = (goods.cost,)
        steps: tuple[Step, ...] = (cost_step(goods, station_id),)
        if len(path) > 1:
            owner = path[-2].station_id
            prices, steps = self._purchase_prices(owner, goods)
            price, more = wholesale(goods, prices[-1], path[-1], owner, self.find)
            prices, steps = (*prices, price), (*steps, *more)
        self.upstream[station_id, goods.sku_id] = prices, steps
        return prices, steps


def load_world(
    sku_ids: Iterable[int] | None,
    station_ids: Iterable[int] | None,
    extra: Rule | None = None,
) -> World:
    """Read stations, goods and rules; `extra` is a rule not saved yet, for previews."""
    rows = db.session.execute(_STATIONS).all()
    levels = {row.id: Level(row.id, row.grade) for row in rows}
    paths = {row.id: tuple(levels[number] for number in row.path) for row in rows}
    wanted = None if station_ids is None else set(station_ids)
    selling = sorted(row.id for row in rows if row.sells and (wanted is None or row.id in wanted))
    return World(paths, selling, _goods(sku_ids), _rule_table(_rules(extra)))


def fixed_prices(sku_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    """(station, SKU) → the price that station has fixed by hand."""
    rows = db.session.execute(_FIXED, {"skus": list(sku_ids)})
    return {(row.station_id, row.sku_id): row.fixed_price for row in rows}


def as_rule(row: PriceRule) -> Rule:
    """A stored rule as a plain value."""
    return Rule(
        row.station_id, row.purpose, row.operation, row.value, row.id, row.grade,
        row.category_id, row.sku_id, row.for_station_id, row.rounding_step, row.rounding,
        row.floor_price, row.ceiling_price, row.note, row.active,
    )  # fmt: skip


def _goods(sku_ids: Iterable[int] | None) -> list[Goods]:
    parents = {row.id: row.parent_id for row in db.session.execute(_PARENTS)}
    skus = None if sku_ids is None else list(sku_ids)
    return [
        Goods(
            row.id,
            row.cost,
            _ancestors(row.category_id, parents),
            row.floor_price,
            row.ceiling_price,
        )
        for row in db.session.execute(_GOODS, {"skus": skus})
    ]


def _ancestors(category_id: int, parents: dict[int, int | None]) -> tuple[int, ...]:
    found: list[int] = []
    current: int | None = category_id
    while current is not None and current not in found:
        found.append(current)
        current = parents.get(current)
    return tuple(found)


def _rules(extra: Rule | None) -> list[Rule]:
    stored = db.session.scalars(select(PriceRule).where(PriceRule.active))
    rules = [as_rule(row) for row in stored]
    if extra is None:
        return rules
    others = [rule for rule in rules if rule.id != extra.id]  # ids are unique over all stations
    return [*others, extra]


def _rule_table(rules: Iterable[Rule]) -> RuleTable:
    """By owner and purpose, SKU rules apart: a thousand of them must not be tried on each SKU."""
    table: RuleTable = {}
    for rule in rules:
        by_sku, general = table.setdefault((rule.station_id, rule.purpose), ({}, []))
        (general if rule.sku_id is None else by_sku.setdefault(rule.sku_id, [])).append(rule)
    return table
