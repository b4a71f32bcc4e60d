"""What programs are told: account, goods, orders. Amounts are integers at scale 4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """The member behind the key; ``balance`` is what can be spent."""

    login: str
    name: str
    level: str
    balance: int
    currency: str = "CNY"
    sandbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFacts:
    """A field the buyer fills in; ``choices`` empty: free text."""

    name: str
    label: str
    kind: str
    required: bool
    choices: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryFacts:
    """A category; ``parent_id`` None: at the top."""

    id: int
    name: str
    parent_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFacts:
    """One buyable SKU at this station's price for this member.

    ``stock`` 0–1000, where 1000 means "1 000 or more, or not counted".
    """

    sku: str
    sku_id: int
    product_id: int
    name: str
    sku_name: str
    category_id: int
    category: str
    kind: str
    price: int
    face_value: int
    stock: int
    on_sale: bool
    minimum: int
    maximum: int
    description: str = ""
    fields: tuple[FieldFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Some of them in order of SKU id; ``next_cursor`` "" on the last page."""

    items: tuple[ProductFacts, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Buy:
    """What a program wants. ``max_total`` None: whatever it costs; ``flash_sale``: its number."""

    sku: str
    quantity: int
    merchant_order_no: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    max_total: int | None = None
    notify_url: str = ""
    flash_sale: str = ""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """One delivered card. Never shows its code by accident."""

    number: str
    code: str

    def __repr__(self) -> str:
        return "CardFacts(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """One order of this member; ``state`` as in the order's state machine.

    ``delivered`` pieces have been handed over, ``cards`` are there once something is delivered;
    ``refunded`` is what has come back so far.
    """

    order_no: str
    merchant_order_no: str
    state: str
    sku: str
    sku_id: int
    product_name: str
    sku_name: str
    kind: str
    quantity: int
    unit_price: int
    total: int
    delivered: int
    refunded: int
    created_at: datetime
    paid_at: datetime | None
    delivered_at: datetime | None
    inputs: Mapping[str, str] = field(default_factory=dict)
    cards: tuple[CardFacts, ...] = ()
    delivery_text: str = ""
    currency: str = "CNY"
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Bought:
    """``repeated``: the same request had been served before, and this is what came of it."""

    order: OrderFacts
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequestFacts:
    """A member's request for money back; state open, accepted, declined or withdrawn."""

    request_no: str
    order_no: str
    amount: int
    reason: str
    state: str
    answer: str
    created_at: datetime
    decided_at: datetime | None
    repeated: bool = False
