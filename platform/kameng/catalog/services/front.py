"""What a shop's front page is drawn from: one statement, with what is remembered put in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from flask import current_app

from kameng.catalog.services.availability import LIFETIME_MS, level_key, shown_stock
from kameng.catalog.services.cache import question, read_many, write_many
from kameng.catalog.services.shapes import CategoryView, Front, Page, ProductCard, TagView
from kameng.catalog.services.sold import LIFETIME_MS as SOLD_MS
from kameng.catalog.services.sold import by_product, shop_station, sold_key
from kameng.db import call, end_reading

EXTENSION = "kameng.catalog.fronts"
MOST_FRONTS = 10_000
Levels = dict[int, int]


class _Asked(NamedTuple):
    """SKUs of a station's front page as it was last, with the names of their levels in Redis: what
    to ask for before the page is known. The question goes for pieces sold, too."""

    keys: dict[int, str]
    question: bytes


def front_page(
    sort: str = "hot", size: int = 24, featured: int = 10, host: str | None = None
) -> Front:
    """The first page of all products, the featured ones (most wanted first), and categories.

    `host`: tell the station's row too, if the host is its own. Needs a station's scope, and ends
    what was read in it: the statement is a transaction.
    """
    station = shop_station()
    sold, known = _remembered(station)
    end_reading()
    row = call(
        "shop_front", p_station=station, p_sort=sort, p_size=size, p_featured=featured,
        p_sold_ids=None if sold is None else _array(sold),
        p_sold_pieces=None if sold is None else _array(sold.values()), p_known=_array(known),
        p_host=host,
    )  # fmt: skip
    goods, shelf, total, categories, tags, levels, counted, sales, own = row["front"]
    goods, shelf = goods or (), shelf or ()
    fresh = {int(sku): level for sku, level in (levels or {}).items()}
    _remember(station, [*goods, *shelf], counted, fresh)
    known |= fresh
    tagged = _tags(tags or ())
    page = Page(tuple([_card(card, tagged, known) for card in goods]), 1, size, total)
    top = tuple([_card(card, tagged, known) for card in shelf])
    return Front(page, top, whole_tree(categories or ()), sales, own)


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
    front = _fronts().get(station) or _asking_for({})
    sold, *levels = read_many([sold_key(), *front.keys.values()], front.question)
    known = {sku: level for sku, level in zip(front.keys, levels, strict=True) if level is not None}
    return None if sold is None else by_product(sold), known


def _remember(
    station: int, cards: Sequence[Sequence[Any]], sold: Mapping[str, int] | None, levels: Levels
) -> None:
    fronts = _fronts()
    if len(fronts) >= MOST_FRONTS:
        fronts.clear()
    front = fronts.get(station)
    shown = {sku for card in cards for sku in card[-1]}
    if front is None or front.keys.keys() != shown:
        front = fronts[station] = _asking_for({sku: level_key(sku) for sku in shown})
    kept: dict[str, tuple[Any, int]] = {
        front.keys[sku]: (level, LIFETIME_MS) for sku, level in levels.items()
    }
    if sold is not None:
        kept[sold_key()] = sold, SOLD_MS
    write_many(kept)


def _asking_for(keys: dict[int, str]) -> _Asked:
    """Of the scope's station."""
    return _Asked(keys, question([sold_key(), *keys.values()]))


def _fronts() -> dict[int, _Asked]:
    found: dict[int, _Asked] = current_app.extensions.setdefault(EXTENSION, {})
    return found


def _array(numbers: Iterable[int]) -> str:
    """As PostgreSQL writes an array; psycopg looks at each number first."""
    return f"{{{','.join(map(str, numbers))}}}"


def _tags(rows: Iterable[Sequence[Any]]) -> dict[int, tuple[TagView, ...]]:
    found: dict[int, tuple[TagView, ...]] = {}
    for product, slug, name in rows:
        found[product] = (*found.get(product, ()), TagView(slug, name))
    return found


def _card(
    row: Sequence[Any], tags: Mapping[int, tuple[TagView, ...]], levels: Levels
) -> ProductCard:
    number, slug, name, summary, kind, cover, low, high, face, sold, skus = row
    return ProductCard(
        number, slug, name, summary, kind, cover, tags.get(number, ()), low, high, face, sold,
        shown_stock(kind, skus, levels),
    )  # fmt: skip
