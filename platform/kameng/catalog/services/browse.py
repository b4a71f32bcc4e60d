"""What a shopper sees: categories, grids of products, one product's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, text

from kameng.catalog.domain.names import like_pattern, search_terms
from kameng.catalog.models import Listing, Product, PurchaseField, Sku
from kameng.catalog.services.availability import shown_level, shown_stock, stock_levels
from kameng.catalog.services.shapes import (
    CategoryView,
    FieldView,
    Page,
    ProductCard,
    ProductView,
    SkuView,
    TagView,
)
from kameng.catalog.services.sold import shop_station, sold_counts
from kameng.db import db
from kameng.errors import NotFound

MAX_PAGE = 1_000
MAX_SIZE = 100
SORTS = {
    "hot": "coalesce(sold.pieces, 0) DESC, found.featured DESC, found.position, found.id",
    "new": "found.created_at DESC, found.id DESC",
    "price": "found.price_from, found.id",
}

_CATEGORIES = text("""
WITH RECURSIVE below AS (
  SELECT id AS top, id FROM category WHERE visible
  UNION ALL
  SELECT b.top, c.id FROM category c JOIN below b ON c.parent_id = b.id WHERE c.visible
), offered AS (
  SELECT DISTINCT p.id, p.category_id FROM product p
  JOIN sku s ON s.product_id = p.id AND s.state = 'on_sale'
  JOIN listing l ON l.sku_id = s.id AND l.station_id = :station AND l.active
  WHERE p.state = 'on_sale'
)
SELECT c.id, c.slug, c.name, c.icon, c.parent_id, count(o.id) AS products
FROM category c JOIN below b ON b.top = c.id LEFT JOIN offered o ON o.category_id = b.id
GROUP BY c.id ORDER BY c.position, c.id
""")

_IN_CATEGORY = """p.category_id IN (
  WITH RECURSIVE inside AS (
    SELECT id FROM category WHERE slug = :category AND visible
    UNION ALL SELECT c.id FROM category c JOIN inside i ON c.parent_id = i.id
  ) SELECT id FROM inside)"""

_HAS_TAG = """EXISTS (SELECT 1 FROM product_tag pt JOIN tag t ON t.id = pt.tag_id
  WHERE pt.product_id = p.id AND t.slug = :tag)"""

_HAS_TERM = r"""(p.name ILIKE :term{n} ESCAPE '\' OR p.summary ILIKE :term{n} ESCAPE '\'
  OR EXISTS (SELECT 1 FROM sku k WHERE k.product_id = p.id AND k.name ILIKE :term{n} ESCAPE '\')
  OR EXISTS (SELECT 1 FROM product_tag pt JOIN tag t ON t.id = pt.tag_id
             WHERE pt.product_id = p.id AND t.name ILIKE :term{n} ESCAPE '\'))"""

_CARDS = """
WITH found AS (
  SELECT p.id, p.slug, p.name, p.summary, p.kind, p.cover, p.featured, p.position, p.created_at,
         min(l.price) AS price_from, max(l.price) AS price_to,
         (array_agg(s.face_value ORDER BY l.price, s.id))[1] AS face_value,
         array_agg(s.id) AS sku_ids
  FROM product p
  JOIN sku s ON s.product_id = p.id AND s.state = 'on_sale'
  JOIN listing l ON l.sku_id = s.id AND l.station_id = :station AND l.active
  WHERE p.state = 'on_sale' {conditions}
  GROUP BY p.id
)
SELECT found.*, coalesce(sold.pieces, 0) AS sold, count(*) OVER () AS total{places}
FROM found
LEFT JOIN unnest(CAST(:sold_ids AS bigint[]), CAST(:sold_pieces AS bigint[]))
  AS sold(product_id, pieces) ON sold.product_id = found.id
"""

_WITH_TAGS = """
SELECT shown.*, (
  SELECT json_agg(json_build_array(t.slug, t.name) ORDER BY t.id)
  FROM product_tag pt JOIN tag t ON t.id = pt.tag_id WHERE pt.product_id = shown.id) AS tags
FROM ({cards}) AS shown
"""


def categories() -> list[CategoryView]:
    """Visible categories in order, with the number of products on offer at this station."""
    rows = db.session.execute(_CATEGORIES, {"station": shop_station()})
    return [CategoryView(**row) for row in rows.mappings()]


def product_cards(
    category: str | None = None,
    tag: str | None = None,
    query: str | None = None,
    featured: bool | None = None,
    sort: str = "hot",
    page: int = 1,
    size: int = 24,
) -> Page[ProductCard]:
    """Products on offer at the scope's station; filters add up, unknown sorts mean `hot`."""
    page, size = min(max(page, 1), MAX_PAGE), min(max(size, 1), MAX_SIZE)
    conditions, params = _conditions(category, tag, query, featured)
    sold = sold_counts()
    params |= _known(sold) | {"size": size, "skipped": (page - 1) * size}
    order = SORTS.get(sort, SORTS["hot"])
    place = f", row_number() OVER (ORDER BY {order}) AS place"
    cards = _CARDS.format(conditions=conditions, places=place)
    statement = _WITH_TAGS.format(cards=f"{cards} ORDER BY place LIMIT :size OFFSET :skipped")
    rows = db.session.execute(text(f"{statement} ORDER BY place"), params).mappings().all()
    total = rows[0]["total"] if rows else 0
    return Page(_cards(rows), page, size, total)


def _known(sold: Mapping[int, int]) -> dict[str, Any]:
    return {
        "station": shop_station(), "sold_ids": list(sold), "sold_pieces": list(sold.values()),
    }  # fmt: skip


def product_page(slug: str) -> ProductView:
    """A product on offer at the scope's station; raises `NotFound` for every other."""
    product = db.session.scalars(
        select(Product).where(Product.slug == _plain(slug), Product.state == "on_sale")
    ).one_or_none()
    skus = _offered_skus(product) if product is not None else ()
    if product is None or not skus:
        raise NotFound("product_unknown", _l("没有这件商品，或者本店已经下架"))
    category = product.category
    return ProductView(
        id=product.id, slug=product.slug, name=product.name, summary=product.summary,
        description=product.description, how_to_use=product.how_to_use,
        after_sales=product.after_sales, delivery_note=product.delivery_note,
        kind=product.kind, cover=product.cover,
        tags=tuple(TagView(tag.slug, tag.name) for tag in product.tags),
        category=CategoryView(
            category.id, category.slug, category.name, category.icon, category.parent_id
        ),
        skus=skus, fields=tuple(field_rules(product.fields)),
        sold=sold_counts().get(product.id, 0),
    )  # fmt: skip


def field_rules(fields: Sequence[PurchaseField]) -> list[FieldView]:
    """Mapped purchase fields as plain values."""
    return [
        FieldView(
            row.name, row.label, row.kind, row.required, row.pattern, row.help, tuple(row.choices)
        )
        for row in fields
    ]


def _offered_skus(product: Product) -> tuple[SkuView, ...]:
    rows = db.session.execute(
        select(Sku, Listing.price)
        .join(Listing, (Listing.sku_id == Sku.id) & (Listing.station_id == shop_station()))
        .where(Sku.product_id == product.id, Sku.state == "on_sale", Listing.active)
        .order_by(Sku.position, Sku.id)
    ).all()
    levels = stock_levels(sku.id for sku, _ in rows)
    return tuple(
        SkuView(
            sku.id,
            sku.code,
            sku.name,
            sku.face_value,
            price,
            sku.min_quantity,
            sku.max_quantity,
            True,
            shown_level(product.kind, levels.get(sku.id, 0)),
        )
        for sku, price in rows
    )


def _conditions(
    category: str | None, tag: str | None, query: str | None, featured: bool | None
) -> tuple[str, dict[str, Any]]:
    parts: list[str] = []
    params: dict[str, Any] = {}
    if category:
        parts.append(_IN_CATEGORY)
        params["category"] = _plain(category)
    if tag:
        parts.append(_HAS_TAG)
        params["tag"] = _plain(tag)
    if featured is not None:
        parts.append("p.featured = :featured")
        params["featured"] = featured
    for number, term in enumerate(search_terms(query or "")):
        parts.append(_HAS_TERM.format(n=number))
        params[f"term{number}"] = like_pattern(term)
    return "".join(f" AND {part}" for part in parts), params


def _cards(rows: Sequence[Mapping[Any, Any]]) -> tuple[ProductCard, ...]:
    levels = stock_levels(sku for row in rows for sku in row["sku_ids"])
    return tuple(
        ProductCard(
            id=row["id"],
            slug=row["slug"],
            name=row["name"],
            summary=row["summary"],
            kind=row["kind"],
            cover=row["cover"],
            tags=tuple(TagView(slug, name) for slug, name in row["tags"] or ()),
            price_from=row["price_from"],
            price_to=row["price_to"],
            face_value=row["face_value"],
            sold=row["sold"],
            stock=shown_stock(row["kind"], row["sku_ids"], levels),
        )
        for row in rows
    )


def _plain(slug: str) -> str:
    """Addresses are typed by strangers: what no slug can be matches nothing, without an error."""
    return slug[:100] if slug.isprintable() else ""
