"""亿乐 as a supplier. It takes no number of ours, so a lost answer stays UNKNOWN for a person."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from kameng_sdk.context import CallContext
from kameng_sdk.errors import (
    CapabilityNotSupported,
    Declined,
    HttpNeverSent,
    HttpOutcomeUnknown,
)
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import (
    BaseSupplier,
    Offer,
    OfferKind,
    OfferPage,
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
    SupplierRules,
)

from .account import SUP, YileAccount
from .community import Community
from .orders import Ref
from .reading import message_of, money_of, refusal_code
from .sup import Sup

PAGE = 20  # each of the goods is asked for alone: as many as surely fit into one call


class Flavour(Protocol):
    """What both APIs can do."""

    @property
    def capabilities(self) -> SupplierCapability: ...
    def ok(self, answer: Mapping[str, object]) -> bool: ...
    def goods(self, ctx: CallContext) -> list[object]: ...
    def number_of(self, goods: Mapping[str, object]) -> int | None: ...
    def show(self, ctx: CallContext, sku_ref: str) -> dict[str, object] | None: ...
    def offer(self, goods: Mapping[str, object]) -> Offer | None: ...
    def buy(self, ctx: CallContext, request: PurchaseRequest) -> dict[str, object]: ...
    def bought(self, answer: Mapping[str, object], kind: OfferKind) -> PurchaseResult: ...
    def order(self, ctx: CallContext, ref: Ref) -> PurchaseResult | None: ...
    def balance(self, ctx: CallContext) -> Money | None: ...


class YileSupplier(BaseSupplier):
    """One account at one site."""

    # No field for our own number in either document: the same request twice buys twice, and no
    # order can be looked for by a number of ours. Their order pages take a question every 10 s.
    rules = SupplierRules(number_is_idempotent=False, not_found_means_nothing_s=None)

    def __init__(self, account: YileAccount) -> None:
        self._flavour: Flavour = Sup(account) if account.flavour == SUP else Community(account)
        self.capabilities = self._flavour.capabilities

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """Goods in the order of their numbers, so that a change between pages skips none."""
        flavour, after = self._flavour, int(cursor or 0)
        listed = [goods for goods in flavour.goods(ctx) if isinstance(goods, dict)]
        numbers = {flavour.number_of(goods) for goods in listed}
        wanted = sorted(number for number in numbers if number is not None and number > after)
        page = wanted[:PAGE]
        offers = [self._offer(ctx, str(number)) for number in page]
        return OfferPage(
            offers=[offer for offer in offers if offer],
            next_cursor=str(page[-1]) if len(wanted) > PAGE else "",
        )

    def _offer(self, ctx: CallContext, sku_ref: str) -> Offer | None:
        """What cannot be read now is left out; it comes with the next reading."""
        try:
            goods = self._flavour.show(ctx, sku_ref)
        except HttpOutcomeUnknown:
            return None
        offer = self._flavour.offer(goods) if goods else None
        return replace(offer, sku_ref=sku_ref) if offer else None

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """The API knows no cap, so the price is read first; then one request buys."""
        kind = self._checked(ctx, request)
        try:
            answer = self._flavour.buy(ctx, request)
        except HttpNeverSent:
            # The price was asked for before, so to the host something has been sent.
            raise Declined("not_sent", "连接不上对方，采购没有发出") from None
        if self._flavour.ok(answer):
            return self._flavour.bought(answer, kind)
        message = message_of(answer)
        if code := refusal_code(message):
            raise Declined(code, message)
        return PurchaseResult(outcome=Outcome.UNKNOWN, message=message or "对方的回答无法理解")

    def _checked(self, ctx: CallContext, request: PurchaseRequest) -> OfferKind:
        """What is bought, if it costs no more than the cap. Raises `Declined`."""
        try:
            goods = self._flavour.show(ctx, request.sku_ref)
        except HttpOutcomeUnknown as error:
            # Only the price was asked for: nothing is bought, for certain.
            raise Declined("no_price", f"下单前查询价格失败: {error}") from None
        offer = self._flavour.offer(goods) if goods else None
        total = money_of((goods or {}).get("price"), request.quantity)
        if offer is None or total is None:
            raise Declined("no_price", "对方没有给出这个商品的价格")
        if total > request.max_cost:
            raise Declined("price_above_cap", f"现价 {total} 高于上限 {request.max_cost}")
        return offer.kind

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """By their number only: without it nothing can be asked."""
        ref = Ref.parse(supplier_ref)
        if ref is None:
            message = "对方没有自有单号，无法查询，请到对方后台核对"
            return PurchaseResult(outcome=Outcome.UNKNOWN, message=message)
        found = self._flavour.order(ctx, ref)
        if found is None:
            return PurchaseResult(
                outcome=Outcome.UNKNOWN, supplier_ref=supplier_ref, found=False,
                message="对方查不到这个订单",
            )  # fmt: skip
        return found

    def balance(self, ctx: CallContext) -> Money:
        """SUP only."""
        if SupplierCapability.BALANCE not in self.capabilities:
            raise CapabilityNotSupported("balance")
        return self.reach(ctx) or Money.zero()

    def reach(self, ctx: CallContext) -> Money | None:
        """Ask who we are: the balance where it is told. Raises `PluginError` in any trouble."""
        return self._flavour.balance(ctx)
