"""A store as a supplier: both flavours know no cap, so the price is read before the purchase."""

from typing import Protocol

from kameng_sdk.context import CallContext
from kameng_sdk.errors import (
    CapabilityNotSupported,
    Declined,
    HttpNeverSent,
    HttpOutcomeUnknown,
)
from kameng_sdk.money import Money
from kameng_sdk.suppliers import (
    BaseSupplier,
    CallbackResult,
    Offer,
    OfferPage,
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
    SupplierRules,
)
from kameng_sdk.webhooks import WebhookRequest

from .account import V4 as FLAVOUR_V4
from .account import StoreAccount
from .goods import page_of
from .notices import read_notice
from .reading import money_of
from .shared import Shared
from .v4 import V4


class Flavour(Protocol):
    """What both APIs can do."""

    @property
    def capabilities(self) -> SupplierCapability: ...
    @property
    def rules(self) -> SupplierRules: ...
    def offers(self, ctx: CallContext) -> list[Offer]: ...
    def balance(self, ctx: CallContext) -> Money | None: ...
    def price(self, ctx: CallContext, request: PurchaseRequest) -> object: ...
    def buy(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult: ...
    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult: ...


class AcgSupplier(BaseSupplier):
    """One account at one store."""

    def __init__(self, account: StoreAccount) -> None:
        self._account = account
        self._flavour: Flavour = V4(account) if account.flavour == FLAVOUR_V4 else Shared(account)
        self.capabilities = self._flavour.capabilities
        self.rules = self._flavour.rules

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """The catalogue comes whole; it is given in pages."""
        return page_of(self._flavour.offers(ctx), cursor)

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """Read the price, then buy with one request."""
        self._check_price(ctx, request)
        try:
            return self._flavour.buy(ctx, request)
        except HttpNeverSent:
            # The price was asked for before, so to the host something has been sent.
            raise Declined("not_sent", "连接不上对方，采购没有发出") from None

    def _check_price(self, ctx: CallContext, request: PurchaseRequest) -> None:
        try:
            total = money_of(self._flavour.price(ctx, request))
        except HttpOutcomeUnknown as error:
            # Only the price was asked for: nothing is bought, for certain.
            raise Declined("no_price", f"下单前询价失败: {error}") from None
        if total is None:
            raise Declined("no_price", "对方没有给出这个商品的价格")
        if total > request.max_cost:
            raise Declined("price_above_cap", f"现价 {total} 高于上限 {request.max_cost}")

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """By their number (shared) or ours (V4)."""
        return self._flavour.query(ctx, purchase_no, supplier_ref)

    def balance(self, ctx: CallContext) -> Money:
        """Raises `HttpOutcomeUnknown` when it is not told."""
        balance = self._flavour.balance(ctx)
        if balance is None:
            raise HttpOutcomeUnknown("the answer has no balance")
        return balance

    def parse_callback(self, ctx: CallContext, request: WebhookRequest) -> CallbackResult:
        """V4 only."""
        if SupplierCapability.CALLBACK not in self.capabilities:
            raise CapabilityNotSupported("parse_callback")
        return read_notice(self._account, request)
