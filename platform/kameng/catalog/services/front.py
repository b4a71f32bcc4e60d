"""What a shop's front page is drawn from: one statement, with what is remembered put in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import current_app

from kameng.catalog.services.availability import LIFETIME_MS, level_key, shown_stock
from kameng.catalog.services.cache import read_many, write_many
from kameng.catalog.services.shapes import CategoryView, Front, Page, ProductCard, TagView
from kameng.catalog.services.sold import LIFETIME_MS as SOLD_MS
from kameng.catalog.services.sold import by_product, shop_station, sold_key
from kameng.db import call, end_reading

EXTENSION = "kameng.catalog.fronts"
MOST_FRONTS = 10_000
Levels = dict[int, int]


def front_page(sort: str = "hot", size: int = 24, featured: int = 10) -> Front:
    """The first page of all products, the featured ones (most wanted first), and categories.

    Needs a station's scope, and ends what was read in it: the statement is a transaction.
    """
    station = shop_station()
    sold, levels = _remembered(station)
    end_reading()
    row = call(
        "shop_front", p_station=station, p_sort=sort, p_size=size, p_featured=featured,
        p_sold_ids=None if sold is None else _array(sold),
        p_sold_pieces=None if sold is None else _array(sold.values()), p_known=_array(levels),
    )  # fmt: skip
    fresh = {int(sku): level for sku, level in row["levels"].items()}
    _remember(station, row, fresh)
    levels |= fresh
    goods, shelf = (tuple(_card(card, levels) for card in row[name]) for name in ("goods", "shelf"))
    page = Page(goods, 1, size, row["total"])
    return Front(page, shelf, whole_tree(row["categories"]), row["flash_sales"])


def whole_tree(rows: Sequence[Sequence[Any]]) -> tuple[CategoryView, ...]:
    """Visible categories in order; each counts what lies in it and in visible ones below it.

    `rows`: those of `shop_front`. One whose parent is hidden counts for itself alone.
    """
    own = [CategoryView(*row) for row in rows]
    parents = {category.id: category.parent_id for category in own}
    totals = dict.fromkeys(parents, 0)
    for category in own:
        above: int | None = category.id
        while above in totals:
            totals[above] += category.products
            above = parents[above]
    return tuple(replace(category, products=totals[category.id]) for category in own)


def _remembered(station: int) -> tuple[dict[int, int] | None, Levels]:
    """Pieces sold, and levels of the SKUs that this process met here last, as Redis has them."""
    keys = _fronts().get(station, {})
    sold, *levels = read_many([sold_key(), *keys.values()])
    known = {sku: level for sku, level in zip(keys, levels, strict=True) if level is not None}
    return None if sold is None else by_product(sold), known


def _remember(station: int, row: Mapping[str, Any], levels: Levels) -> None:
    fronts = _fronts()
    if len(fronts) >= MOST_FRONTS:
        fronts.clear()
    before = fronts.get(station, {})
    shown = {sku for card in (*row["goods"], *row["shelf"]) for sku in card[-1]}
    keys = fronts[station] = {sku: before.get(sku) or level_key(sku) for sku in shown}
    kept: dict[str, tuple[Any, int]] = {
        keys[sku]: (level, LIFETIME_MS) for sku, level in levels.items()
    }
    if row["sold"] is not None:
        kept[sold_key()] = row["sold"], SOLD_MS
    write_many(kept)


def _fronts() -> dict[int, dict[int, str]]:
    """SKUs of a station's front page as it was last, with the names of their levels in Redis:
    what to ask for before the page is known."""
    found: dict[int, dict[int, str]] = current_app.extensions.setdefault(EXTENSION, {})
    return found


def _array(numbers: Iterable[int]) -> str:
    """As PostgreSQL writes an array; psycopg looks at each number first."""
    return f"{{{','.join(map(str, numbers))}}}"


def _card(row: Sequence[Any], levels: Levels) -> ProductCard:
    number, slug, name, summary, kind, cover, tags, low, high, face, sold, skus = row
    return ProductCard(
        number, slug, name, summary, kind, cover,
        tuple(TagView(*tag) for tag in tags) if tags else (),
        low, high, face, sold, shown_stock(kind, skus, levels),
    )  # fmt: skip
