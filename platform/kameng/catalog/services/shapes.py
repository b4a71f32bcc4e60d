"""What pages get to see of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from kameng.catalog.domain.fields import FieldRule as FieldView

T = TypeVar("T")

__all__ = [
    "CategoryView", "FieldView", "Front", "Page", "ProductCard", "ProductView", "SkuView",
    "TagView",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a longer list; `page` counts from 1."""

    items: tuple[T, ...]
    page: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))


@dataclass(frozen=True, slots=True)
class CategoryView:
    """A visible category and how many products of this station lie in it and below it."""

    id: int
    slug: str
    name: str
    icon: str
    parent_id: int | None
    products: int = 0


@dataclass(frozen=True, slots=True)
class TagView:
    """A tag."""

    slug: str
    name: str


class ProductCard(NamedTuple):
    """A product in a grid; a named tuple, as a page makes twenty and more of them.

    Amounts at scale 4; `sold` counts pieces of the last 30 days at this station; `stock` is capped
    at 1 000 and None where nothing is counted: of what is no card only that it is sold out (0).
    """

    id: int
    slug: str
    name: str
    summary: str
    kind: str
    cover: Mapping[str, Any]
    tags: tuple[TagView, ...]
    price_from: int
    price_to: int
    face_value: int
    sold: int
    stock: int | None


@dataclass(frozen=True, slots=True)
class Front:
    """What a front page shows: goods, the shelf of featured ones, all visible categories, and
    whether a flash sale runs or is to come. `station`: its row, where a host was asked for."""

    page: Page[ProductCard]
    shelf: tuple[ProductCard, ...]
    categories: tuple[CategoryView, ...]
    flash_sales: bool
    station: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class SkuView:
    """A buyable variant at this station's price (scale 4, per piece).

    `stock` is capped at 1 000; None where no limit is known.
    """

    id: int
    code: str
    name: str
    face_value: int
    price: int
    min_quantity: int
    max_quantity: int
    on_sale: bool
    stock: int | None

    @property
    def sold_out(self) -> bool:
        """Not even the least quantity can be had."""
        return self.stock is not None and self.stock < self.min_quantity


@dataclass(frozen=True, slots=True)
class ProductView:
    """All that a product's page shows."""

    id: int
    slug: str
    name: str
    summary: str
    description: str
    how_to_use: str
    after_sales: str
    delivery_note: str
    kind: str
    cover: Mapping[str, Any]
    tags: tuple[TagView, ...]
    category: CategoryView
    skus: tuple[SkuView, ...]
    fields: tuple[FieldView, ...]
    sold: int = 0
