"""Suppliers: what an upstream party offers, and how one purchase is placed with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, Flag, auto
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
    """A person completes the purchase in the console or in the supplier's portal."""

    CANCEL = auto()
    """Can be asked to take a purchase back. Since 1.2."""


SETTLING = SupplierCapability.QUERY | SupplierCapability.CALLBACK | SupplierCapability.MANUAL
"""At least one must be declared, or a purchase with unknown outcome could never be settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierRules:
    """What the host may conclude from this supplier's silence. Declared once per object. Since 1.2.

    - ``number_is_idempotent``: the same ``purchase_no`` sent again never buys again (it answers
      with the first order, or refuses as a duplicate). Only then is a purchase sent again, with
      its own number, when the supplier says for certain that it has never heard of it.
    - ``not_found_means_nothing_s``: so long after sending "no such order" proves nothing. None: it
      never does, and a person decides.
    - ``query_after_s``: pauses between the questions about one purchase; the last one repeats.
    """

    number_is_idempotent: bool = False
    not_found_means_nothing_s: int | None = None
    query_after_s: tuple[int, ...] = (10, 20, 30, 60, 120, 300, 600)

    def __post_init__(self) -> None:
        if not self.query_after_s or min(self.query_after_s) < 1:
            raise ValueError("questions need pauses of at least a second")
        if self.not_found_means_nothing_s is not None and self.not_found_means_nothing_s < 0:
            raise ValueError("a time is not negative")


class OfferKind(Enum):
    """What the supplier delivers for an offer. Since 1.2."""

    CARD = "card"
    """Card codes."""

    TOP_UP = "top_up"
    """A top-up of the shopper's account."""

    MANUAL = "manual"
    """Something a person over there does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferField:
    """One thing the supplier wants to know in `PurchaseRequest.inputs`, under ``name``."""

    name: str
    label: str = ""
    required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One thing the supplier sells at ``cost`` each; ``stock`` None means it does not say.

    ``category`` is a path with " / " between its steps. An offer that is not ``on_sale`` is known
    but cannot be bought now. ``maximum`` None: no limit for one purchase.
    """

    sku_ref: str
    name: str
    cost: Money
    kind: OfferKind = OfferKind.TOP_UP
    category: str = ""
    stock: int | None = None
    on_sale: bool = True
    minimum: int = 1
    maximum: int | None = None
    fields: tuple[OfferField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPage:
    """A page of offers; an empty ``next_cursor`` ends the list."""

    offers: Sequence[Offer]
    next_cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseRequest:
    """Buy ``quantity`` of ``sku_ref``; never pay more than ``max_cost`` in all.

    ``purchase_no`` is the idempotency key: 18 digits, the same number never buys twice. Send the
    cap in the sense of the other side: ``max_cost`` for the whole, `unit_cap` for one piece.
    ``notify_url`` is where notices about it may go; "" when there is no such address.
    """

    purchase_no: str
    sku_ref: str
    quantity: int
    inputs: Mapping[str, str]
    max_cost: Money
    notify_url: str = ""

    def unit_cap(self) -> Money:
        """The cap of one piece, rounded down: all pieces together never pass ``max_cost``."""
        return Money(self.max_cost.amount // self.quantity, self.max_cost.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivered piece: a card (``number``, ``code``) or the receipt of a top-up (``note``)."""

    code: Secret | None = None
    number: str = ""
    note: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseResult:
    """What is known about a purchase; ``cost`` is what was really taken, when known.

    - SUCCEEDED with fewer deliveries than ordered is a partial delivery, and final: nothing more
      will come. It is for suppliers with PARTIAL; elsewhere the host takes it for UNKNOWN.
    - ``refunded``: of the cost given back by now, all of it or a part. Since 1.2.
    - ``found`` False: the supplier says it knows no such order; the outcome is UNKNOWN then, and
      `SupplierRules` say what that is worth. Since 1.2.
    """

    outcome: Outcome
    supplier_ref: str = ""
    deliveries: Sequence[Delivery] = ()
    cost: Money | None = None
    message: str = ""
    refunded: Money | None = None
    found: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseEvent:
    """One fact from a verified notice about our purchase ``purchase_no``.

    ``result`` None: something has happened to it, ask. Give None whenever the signature does not
    cover what is said (cards above all): the host then asks with `Supplier.query` at once.
    ``supplier_ref`` is the other side's number of it, where the notice says it: the host learns it
    when the answer to the purchase was lost, and refuses a notice that names another order.
    """

    purchase_no: str
    event_id: str
    result: PurchaseResult | None
    supplier_ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackResult:
    """What a verified notice means, and the answer to give after the effect is committed.

    ``offers_changed``: the supplier says that its offers are others now; they are read anew.
    Since 1.2.
    """

    events: Sequence[PurchaseEvent]
    reply: WebhookReply
    offers_changed: bool = False


class Supplier(Protocol):
    """One account at one upstream party. Objects are shared by threads."""

    @property
    def capabilities(self) -> SupplierCapability:
        """All that is supported; constant for one object."""
        ...

    @property
    def rules(self) -> SupplierRules:
        """What silence and "no such order" mean here; constant for one object. Since 1.2."""
        ...

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """A page of offers (OFFERS); the first cursor is empty."""
        ...

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """Place one purchase. Called again with the same number only if nothing was sent, or if
        `SupplierRules` say that this never buys twice."""
        ...

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """Ask what became of a purchase (QUERY). "No such order" is UNKNOWN with ``found`` False.

        ``supplier_ref`` is "" when the answer to the purchase was lost. That a purchase came to
        nothing is a result with DECLINED; raising `Declined` says only that the question was
        refused, and changes nothing.
        """
        ...

    def balance(self, ctx: CallContext) -> Money:
        """What is left of our prepaid money (BALANCE)."""
        ...

    def parse_callback(self, ctx: CallContext, request: WebhookRequest) -> CallbackResult:
        """Verify and translate a notice (CALLBACK); raises `WebhookRefused` in any doubt."""
        ...

    def cancel(
        self, ctx: CallContext, purchase_no: str, supplier_ref: str, reason: str
    ) -> PurchaseResult:
        """Ask for a purchase to be taken back (CANCEL); the result is how it stands afterwards.

        DECLINED: taken back, nothing was or will be delivered. SUCCEEDED: it was too late, or what
        is ``refunded`` came back after the delivery. PENDING: asked, and not decided. Since 1.2.
        """
        ...


class BaseSupplier:
    """Start from here: every method that is not overridden refuses as undeclared."""

    rules = SupplierRules()

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

    def cancel(
        self, ctx: CallContext, purchase_no: str, supplier_ref: str, reason: str
    ) -> PurchaseResult:
        """Refuses."""
        raise CapabilityNotSupported("cancel")
