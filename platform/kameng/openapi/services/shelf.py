"""The station's shelf as programs see it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import text

from kameng.catalog import api as catalog
from kameng.db import call_or_none, db, end_reading
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.facts import CategoryFacts, FieldFacts, ProductFacts, ProductPage
from kameng.openapi.services.refusing import refused
from kameng.runtime import extensions

EXTENSION = "kameng.openapi.goods"
KEPT_S = 300.0
MOST_KEPT = 20_000
MOST = 100
MOST_SKIPPED = 10_000_000

_GOODS = """
SELECT s.code AS sku, s.id AS sku_id, p.id AS product_id, p.name, s.name AS sku_name,
       c.id AS category_id, c.name AS category, p.kind, l.price, s.face_value,
       l.active AND s.state = 'on_sale' AND p.state = 'on_sale' AS on_sale,
       s.min_quantity AS minimum, s.max_quantity AS maximum, p.description
  FROM listing l JOIN sku s ON s.id = l.sku_id JOIN product p ON p.id = s.product_id
  JOIN category c ON c.id = p.category_id
 WHERE l.station_id = :station AND {which}
"""
# Goods that are off the shelf are told to those who ask for them, not listed.
_PAGE = text(
    _GOODS.format(
        which="l.active AND s.state = 'on_sale' AND p.state = 'on_sale' AND s.id > :after"
        " AND (CAST(:category AS bigint) IS NULL OR c.id = :category OR c.parent_id = :category)"
        " AND (:keyword = '' OR strpos(lower(p.name || ' ' || s.name), :keyword) > 0)"
    )
    + " ORDER BY s.id LIMIT :limit"
)
# Systems that count pages: a category is itself alone there, without those below.
_COUNTED = (
    "l.active AND s.state = 'on_sale' AND p.state = 'on_sale'"
    " AND (CAST(:category AS bigint) IS NULL OR c.id = :category)"
    " AND (:keyword = '' OR strpos(lower(p.name || ' ' || s.name), :keyword) > 0)"
    " AND (CAST(:cards AS boolean) IS NULL OR (p.kind IN ('card', 'bundle')) = :cards)"
)
_NUMBERED = text(_GOODS.format(which=_COUNTED) + " ORDER BY s.id LIMIT :limit OFFSET :skipped")
_COUNT = text(f"SELECT count(*) FROM ({_GOODS.format(which=_COUNTED)}) AS found")
_ONE = text(_GOODS.format(which="s.code = :sku"))
_BY_IDS = text(_GOODS.format(which="s.id = ANY(:ids)") + " ORDER BY s.id")
_PRODUCTS = text(
    "SELECT DISTINCT p.id FROM listing l JOIN sku s ON s.id = l.sku_id"
    " JOIN product p ON p.id = s.product_id WHERE l.station_id = :station AND l.active"
    " AND s.state = 'on_sale' AND p.state = 'on_sale' ORDER BY p.id"
)
_OF_PRODUCTS = text(_GOODS.format(which="p.id = ANY(:products)") + " ORDER BY p.id, s.id")
_FIELDS = text(
    "SELECT product_id, name, label, kind, required, choices, help AS hint FROM purchase_field"
    " WHERE product_id = ANY(:products) ORDER BY product_id, position, id"
)
_CATEGORIES = text(
    "SELECT id, name, parent_id FROM category WHERE visible ORDER BY position, name, id"
)


@dataclass(frozen=True, slots=True)
class Goods:
    """What must be known of a SKU before it is bought. The price is for risk rules alone."""

    sku_id: int
    product_id: int
    kind: str
    price: int
    asks: bool


def categories(_caller: Caller) -> list[CategoryFacts]:
    """All visible categories."""
    return [CategoryFacts(**row) for row in db.session.execute(_CATEGORIES).mappings()]


def products(
    caller: Caller, cursor: str = "", limit: int = 50, category_id: int | None = None,
    keyword: str = "",
) -> ProductPage:  # fmt: skip
    """A page of what is on sale, by SKU id; raises `cursor_invalid`."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise refused("cursor_invalid")
    size = max(1, min(limit, MOST))
    given = {
        "station": caller.station_id, "after": int(cursor or 0), "category": category_id,
        "keyword": keyword.strip().lower()[:60], "limit": size + 1,
    }  # fmt: skip
    found = _facts(db.session.execute(_PAGE, given))
    more = len(found) > size
    return ProductPage(tuple(found[:size]), str(found[size - 1].sku_id) if more else "")


def numbered_page(
    caller: Caller, page: int, limit: int, *, category_id: int | None = None, keyword: str = "",
    cards: bool | None = None,
) -> tuple[list[ProductFacts], int]:  # fmt: skip
    """A page of what is on sale by its number from 1, and how many SKUs there are on all of them.

    ``cards``: only SKUs that deliver codes, or only others.
    """
    size = max(1, min(limit, MOST))
    given = {
        "station": caller.station_id, "category": category_id, "cards": cards,
        "keyword": keyword.strip().lower()[:60],
    }  # fmt: skip
    skipped = min((max(page, 1) - 1) * size, MOST_SKIPPED)
    rows = db.session.execute(_NUMBERED, {**given, "limit": size, "skipped": skipped})
    return _facts(rows), int(db.session.execute(_COUNT, given).scalar_one())


def product(caller: Caller, sku: str) -> ProductFacts:
    """One SKU by its code; raises `sku_unknown`."""
    found = _facts(db.session.execute(_ONE, {"station": caller.station_id, "sku": sku[:100]}))
    if not found:
        raise refused("sku_unknown")
    return found[0]


def product_by_id(caller: Caller, sku_id: int) -> ProductFacts:
    """One SKU by its number; raises `sku_unknown`."""
    found = products_by_ids(caller, [sku_id])
    if not found:
        raise refused("sku_unknown")
    return found[0]


def products_by_ids(caller: Caller, ids: Collection[int]) -> list[ProductFacts]:
    """Several by number; unknown ones are left out."""
    wanted = [number for number in list(ids)[:500] if 0 < number < 2**63]
    return _facts(db.session.execute(_BY_IDS, {"station": caller.station_id, "ids": wanted}))


def product_ids(caller: Caller) -> list[int]:
    """Products of which something is on sale, by number: dialects page by products."""
    return list(db.session.scalars(_PRODUCTS, {"station": caller.station_id}))


def skus_of_products(caller: Caller, products: Collection[int]) -> list[ProductFacts]:
    """All SKUs that the station lists of some products, on sale or not."""
    given = {"station": caller.station_id, "products": list(products)}
    return _facts(db.session.execute(_OF_PRODUCTS, given))


def goods_of(station_id: int, sku: str, mark: bytes = b"") -> Goods | None:
    """What the buying path must know; None: no such SKU. Leaves no transaction open.

    Remembered for minutes under `mark`, the epoch that the caller has seen before; without one
    they are read now.
    """
    kept = _kept()
    found = kept.get((station_id, sku))
    if found and found.mark == mark and time.monotonic() - found.read_at < KEPT_S:
        return found.goods
    end_reading()
    row = call_or_none("find_api_goods", p_station=station_id, p_sku=sku)
    if row is None:
        kept.pop((station_id, sku), None)
        return None
    if len(kept) >= MOST_KEPT:
        kept.clear()
    goods = Goods(**row)
    if mark:
        kept[station_id, sku] = _Kept(goods, mark, time.monotonic())
    return goods


@dataclass(frozen=True, slots=True)
class _Kept:
    """Goods as they were read, under which mark, when."""

    goods: Goods
    mark: bytes
    read_at: float


def _kept() -> dict[tuple[int, str], _Kept]:
    return cast("dict[tuple[int, str], _Kept]", extensions().setdefault(EXTENSION, {}))


def _facts(rows: Any) -> list[ProductFacts]:
    plain = [dict(row) for row in rows.mappings()]
    levels = catalog.stock_levels([row["sku_id"] for row in plain])
    fields = _fields({row["product_id"] for row in plain})
    return [
        ProductFacts(
            **row, stock=levels.get(row["sku_id"], 0), fields=fields.get(row["product_id"], ())
        )
        for row in plain
    ]


def _fields(products: Collection[int]) -> Mapping[int, tuple[FieldFacts, ...]]:
    found: dict[int, tuple[FieldFacts, ...]] = {}
    for row in db.session.execute(_FIELDS, {"products": list(products)}).mappings():
        values = dict(row)
        number = values.pop("product_id")
        one = replace(FieldFacts(**{**values, "choices": tuple(values["choices"])}))
        found[number] = (*found.get(number, ()), one)
    return found


def check_inputs(goods: Goods, inputs: Mapping[str, str]) -> dict[str, str]:
    """The cleaned inputs; raises `inputs_invalid` with a sentence for each field."""
    clean, wrong = catalog.validate_inputs(goods.product_id, inputs)
    known: Sequence[str] = [rule.name for rule in catalog.fields_of(goods.product_id)]
    wrong |= {name: "?" for name in inputs if name not in known}
    db.session.rollback()
    if wrong:
        raise refused("inputs_invalid", errors=wrong)
    return clean
