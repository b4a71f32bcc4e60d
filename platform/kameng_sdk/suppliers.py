"""Suppliers: what an upstream party offers, and how one purchase is placed with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Flag, auto
from typing import Protocol

from kameng_sdk.context import CallContext
from kameng_sdk.errors import CapabilityNotSupported
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.webhooks import WebhookReply, WebhookRequest


class SupplierCapability(Flag):
    """What a supplier can do. What is not declared must raise `CapabilityNotSupported`."""

    OFFERS = auto()
    """Lists what it sells."""

    STOCK = auto()
    """Offers carry how many are left."""

    QUERY = auto()
    """Can say what became of a purchase."""

    BALANCE = auto()
    """Can say how much of our prepaid money is left."""

    CALLBACK = auto()
    """Sends notices about purchases."""

    CODES = auto()
    """Delivers card codes."""

    TOP_UP = auto()
    """Tops up an account number that the shopper gives."""

    PARTIAL = auto()
    """May deliver fewer than were asked for."""

    MANUAL = auto()
    """A person completes the purchase in the console."""


SETTLING = SupplierCapability.QUERY | SupplierCapability.CALLBACK | SupplierCapability.MANUAL
"""At least one must be declared, or a purchase with unknown outcome could never be settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One thing the supplier sells at ``cost`` each; ``stock`` None means it does not say.

    ``input_fields`` are the names the supplier wants in `PurchaseRequest.inputs`.
    """

    sku_ref: str
    name: str
    cost: Money
    stock: int | None = None
    input_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPage:
    """A page of offers; an empty ``next_cursor`` ends the list."""

    offers: Sequence[Offer]
    next_cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseRequest:
    """Buy ``quantity`` of ``sku_ref``; never pay more than ``max_cost`` in all.

    ``purchase_no`` is the idempotency key: the same number never buys twice.
    """

    purchase_no: str
    sku_ref: str
    quantity: int
    inputs: Mapping[str, str]
    max_cost: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivered piece: a card (``number``, ``code``) or the receipt of a top-up (``note``)."""

    code: Secret | None = None
    number: str = ""
    note: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseResult:
    """What is known about a purchase; ``cost`` is what was really taken, when known."""

    outcome: Outcome
    supplier_ref: str = ""
    deliveries: Sequence[Delivery] = ()
    cost: Money | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseEvent:
    """One fact from a verified notice about our purchase ``purchase_no``."""

    purchase_no: str
    event_id: str
    result: PurchaseResult


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackResult:
    """What a verified notice means, and the answer to give after the effect is committed."""

    events: Sequence[PurchaseEvent]
    reply: WebhookReply


class Supplier(Protocol):
    """One account at one upstream party. Objects are shared by threads."""

    @property
    def capabilities(self) -> SupplierCapability:
        """All that is supported; constant for one object."""
        ...

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """A page of offers (OFFERS); the first cursor is empty."""
        ...

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """Place one purchase. Called again with the same number only if nothing was sent."""
        ...

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """Ask what became of a purchase (QUERY). "No such order" is UNKNOWN."""
        ...

    def balance(self, ctx: CallContext) -> Money:
        """What is left of our prepaid money (BALANCE)."""
        ...

    def parse_callback(self, ctx: CallContext, request: WebhookRequest) -> CallbackResult:
        """Verify and translate a notice (CALLBACK); raises `WebhookRefused` in any doubt."""
        ...


class BaseSupplier:
    """Start from here: every method that is not overridden refuses as undeclared."""

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """Refuses."""
        raise CapabilityNotSupported("list_offers")

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """Refuses."""
        raise CapabilityNotSupported("query")

    def balance(self, ctx: CallContext) -> Money:
        """Refuses."""
        raise CapabilityNotSupported("balance")

    def parse_callback(self, ctx: CallContext, request: WebhookRequest) -> CallbackResult:
        """Refuses."""
        raise CapabilityNotSupported("parse_callback")
