"""Why a price is what it is, and what a rule would change."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import text

from kameng.db import db
from kameng.errors import DomainError, NotFound
from kameng.pricing.domain import Rule, Step, rule_problem
from kameng.pricing.services.reprice import below
from kameng.pricing.services.world import fixed_prices, load_world

MAX_PREVIEW_GOODS = 500
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class PriceExplanation:
    """A listing's whole chain, for the main station; amounts at scale 4, per piece."""

    station_id: int
    sku_id: int
    cost: int
    buy_price: int
    price: int
    fixed_price: int | None
    version: int
    parties: tuple[int, ...]
    margins: tuple[int, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One listing that a rule would change; the old price is None where there is no listing."""

    station_id: int
    sku_id: int
    old_price: int | None
    new_price: int
    old_buy_price: int | None
    new_buy_price: int


@dataclass(frozen=True, slots=True)
class ListingRow:
    """A station's offer as its own console shows it; `margin` is price less purchase price."""

    sku_id: int
    sku_code: str
    product_name: str
    sku_name: str
    price: int
    buy_price: int
    fixed_price: int | None
    active: bool
    on_sale: bool

    @property
    def margin(self) -> int:
        return self.price - self.buy_price


_CHAIN = text("""
SELECT l.price, l.buy_price, l.fixed_price, l.version, c.cost, c.parties, c.margins, c.explain
FROM listing l JOIN price_chain c USING (station_id, sku_id)
WHERE l.station_id = :station AND l.sku_id = :sku
""")
_PRESENT = text("""
SELECT station_id, sku_id, price, buy_price FROM listing WHERE sku_id = ANY(:skus)
""")
_LISTINGS = text("""
SELECT l.sku_id, s.code AS sku_code, p.name AS product_name, s.name AS sku_name, l.price,
       l.buy_price, l.fixed_price, l.active, p.state = 'on_sale' AND s.state = 'on_sale' AS on_sale
FROM listing l JOIN sku s ON s.id = l.sku_id JOIN product p ON p.id = s.product_id
WHERE l.station_id = :station AND p.state <> 'draft'
  AND (:query = '' OR strpos(lower(p.name || ' ' || s.name || ' ' || s.code), lower(:query)) > 0)
ORDER BY p.position, p.id, s.position, s.id LIMIT :size OFFSET :skipped
""")


def explain(station_id: int, sku_id: int) -> PriceExplanation:
    """The whole chain behind a listing, upstream cost included; main scope only."""
    row = db.session.execute(_CHAIN, {"station": station_id, "sku": sku_id}).one_or_none()
    if row is None:
        raise NotFound("listing_unknown", _("没有这个报价"))
    return PriceExplanation(
        station_id, sku_id, row.cost, row.buy_price, row.price, row.fixed_price, row.version,
        tuple(row.parties), tuple(row.margins), tuple(row.explain),
    )  # fmt: skip


def station_explain(station_id: int, sku_id: int) -> list[Step]:
    """The steps this station may see: from its purchase price on."""
    row = db.session.execute(
        text("SELECT explain FROM listing WHERE station_id = :station AND sku_id = :sku"),
        {"station": station_id, "sku": sku_id},
    ).one_or_none()
    if row is None:
        raise NotFound("listing_unknown", _("本站没有这个规格"))
    return list(row.explain)


def station_listings(station_id: int, query: str = "", page: int = 1) -> list[ListingRow]:
    """A station's offers, 50 to a page, searched by name or code."""
    params = {
        "station": station_id, "query": query.strip()[:100], "size": PAGE_SIZE,
        "skipped": (max(1, page) - 1) * PAGE_SIZE,
    }  # fmt: skip
    return [ListingRow(**row) for row in db.session.execute(_LISTINGS, params).mappings()]


def preview(rule: Rule) -> list[PreviewRow]:
    """What saving this rule would change, computed and not stored; main scope.

    Covers the rule's station and all below it, and at most 500 SKUs.
    """
    problem = rule_problem(rule)
    if problem:
        raise DomainError("rule_refused", _("规则还不完整"), field=problem)
    sku_ids = None if rule.sku_id is None else [rule.sku_id]
    world = load_world(sku_ids, below(rule.station_id), extra=rule)
    goods = [
        item
        for item in world.goods
        if rule.category_id is None or rule.category_id in item.categories
    ][:MAX_PREVIEW_GOODS]
    ids = [item.sku_id for item in goods]
    fixed = fixed_prices(ids)
    rows = db.session.execute(_PRESENT, {"skus": ids})
    present = {(row.station_id, row.sku_id): (row.price, row.buy_price) for row in rows}
    found: list[PreviewRow] = []
    for station in world.selling:
        for item in goods:
            key = (station, item.sku_id)
            chain = world.chain(station, item, fixed.get(key))
            old_price, old_buy = present.get(key, (None, None))
            if (old_price, old_buy) != (chain.price, chain.buy_price):
                found.append(PreviewRow(*key, old_price, chain.price, old_buy, chain.buy_price))
    return found
