"""The main station's range, what it costs, and each station's offer of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, ForeignKey, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kameng.db import Amount, Base, BigId

Timestamp = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]

product_tag = Table(
    "product_tag",
    Base.metadata,
    Column("product_id", BigInteger, ForeignKey("product.id"), primary_key=True),
    Column("tag_id", BigInteger, ForeignKey("tag.id"), primary_key=True),
)


class Category(Base):
    """A shelf; categories form a tree."""

    __tablename__ = "category"

    id: Mapped[BigId]
    parent_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("category.id"))
    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    icon: Mapped[str] = mapped_column(Text, default="category")
    position: Mapped[int] = mapped_column(default=0)
    visible: Mapped[bool] = mapped_column(default=True)

    def __str__(self) -> str:
        return self.name


class Tag(Base):
    """A word under which products are found across categories."""

    __tablename__ = "tag"

    id: Mapped[BigId]
    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)

    def __str__(self) -> str:
        return self.name


class Product(Base):
    """What is sold; shoppers buy one of its SKUs."""

    __tablename__ = "product"

    id: Mapped[BigId]
    category_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("category.id"))
    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    how_to_use: Mapped[str] = mapped_column(Text, default="")
    after_sales: Mapped[str] = mapped_column(Text, default="")
    delivery_note: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str] = mapped_column(Text)
    cover: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    state: Mapped[str] = mapped_column(Text, default="draft")
    position: Mapped[int] = mapped_column(default=0)
    featured: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Timestamp]
    updated_at: Mapped[Timestamp]

    category: Mapped[Category] = relationship()
    skus: Mapped[list[Sku]] = relationship(
        back_populates="product", order_by="(Sku.position, Sku.id)"
    )
    tags: Mapped[list[Tag]] = relationship(secondary=product_tag, order_by=Tag.id)
    fields: Mapped[list[PurchaseField]] = relationship(
        order_by="(PurchaseField.position, PurchaseField.id)"
    )

    def __str__(self) -> str:
        return self.name


class Sku(Base):
    """A buyable variant with a face value."""

    __tablename__ = "sku"

    id: Mapped[BigId]
    product_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("product.id"))
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    face_value: Mapped[Amount] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(Text, default="on_sale")
    position: Mapped[int] = mapped_column(default=0)
    min_quantity: Mapped[int] = mapped_column(default=1)
    max_quantity: Mapped[int] = mapped_column(default=20)
    low_stock: Mapped[int] = mapped_column(default=20)
    sourcing: Mapped[str] = mapped_column(Text, default="pool")  # cards: pool, pool_first, supplier
    created_at: Mapped[Timestamp]

    product: Mapped[Product] = relationship(back_populates="skus")

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class PurchaseField(Base):
    """Something the shopper must tell us to be served, such as a game account."""

    __tablename__ = "purchase_field"

    id: Mapped[BigId]
    product_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("product.id", ondelete="CASCADE")
    )
    name: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    required: Mapped[bool] = mapped_column(default=True)
    pattern: Mapped[str] = mapped_column(Text, default="")
    help: Mapped[str] = mapped_column(Text, default="")
    choices: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    position: Mapped[int] = mapped_column(default=0)

    def __str__(self) -> str:
        return self.label


class SkuCost(Base):
    """What the main station pays; never readable by a station."""

    __tablename__ = "sku_cost"

    sku_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sku.id"), primary_key=True)
    cost: Mapped[Amount]
    floor_price: Mapped[int | None] = mapped_column(BigInteger)
    ceiling_price: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[Timestamp]


class CostChange(Base):
    """One change of a cost: append-only."""

    __tablename__ = "cost_change"

    id: Mapped[BigId]
    sku_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sku.id"))
    old_cost: Mapped[int | None] = mapped_column(BigInteger)
    new_cost: Mapped[Amount]
    actor: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[Timestamp]


class Listing(Base):
    """A station's offer of a SKU at its price; `explain` is what that station may see."""

    __tablename__ = "listing"

    station_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    sku_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("sku.id"), primary_key=True)
    active: Mapped[bool] = mapped_column(default=True)
    price: Mapped[Amount]
    buy_price: Mapped[Amount]
    fixed_price: Mapped[int | None] = mapped_column(BigInteger)
    explain: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[Timestamp]

    sku: Mapped[Sku] = relationship()
