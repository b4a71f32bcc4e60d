"""The supplier: one Reloadly account with both its catalogues."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from kameng_sdk.context import CallContext
from kameng_sdk.errors import (
    CapabilityNotSupported,
    Declined,
    HttpOutcomeUnknown,
    Misconfigured,
    TemporarilyUnavailable,
)
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
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

from .account import ReloadlyAccount, Service
from .client import ReloadlyClient
from .exchange import number
from .giftcards import card_cost, card_order, product_offers
from .notices import read_notice
from .skus import Sku
from .topups import operator_cost, operator_offers, sells_amount, topup_order
from .tracing import PAGE_SIZE, Tracer
from .transactions import page_of, supplier_ref

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)


class ReloadlySupplier(BaseSupplier):
    """Top-ups are ordered without waiting for the operator; gift cards are read when ready."""

    # customIdentifier can be used once ever: the documents say so for top-ups and call it unique
    # for gift cards. How soon a transaction is in the reports is not documented: ten minutes, and
    # a repeat that was wrong would be refused as a used reference, which is UNKNOWN here.
    rules = SupplierRules(number_is_idempotent=True, not_found_means_nothing_s=600)

    def __init__(self, account: ReloadlyAccount) -> None:
        self._account = account
        self._client = ReloadlyClient(account)
        self._tracer = Tracer(account, self._client)

    @property
    def capabilities(self) -> SupplierCapability:
        """Webhooks are taken when their secret is set."""
        common = (
            SupplierCapability.OFFERS
            | SupplierCapability.QUERY
            | SupplierCapability.BALANCE
            | SupplierCapability.CODES
            | SupplierCapability.TOP_UP
        )
        return common | SupplierCapability.CALLBACK if self._account.webhook_secret else common

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """Operators first, then gift cards; raises `Misconfigured` for another currency."""
        if not cursor:
            self.balance(ctx)
        kind, _, page = (cursor or "topup:1").partition(":")
        query: dict[str, object] = {"size": PAGE_SIZE, "page": page}
        if kind == "topup":
            query["suggestedAmounts"] = "true"
            answer = self._client.get(ctx, self._account.topups, "operators", query)
        else:
            answer = self._client.get(ctx, self._account.giftcards, "products", query)
        found = page_of(answer.read(), PAGE_SIZE)
        offers = [offer for row in found.rows for offer in self._offers(kind, row)]
        if not found.last:
            return OfferPage(offers=offers, next_cursor=f"{kind}:{int(page) + 1}")
        return OfferPage(offers=offers, next_cursor="giftcard:1" if kind == "topup" else "")

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """Look at the price, since an order cannot carry a cap; then order once."""
        sku = Sku.parse(request.sku_ref)
        buy = self._top_up if sku.kind == "topup" else self._gift_cards
        return buy(ctx, sku, request)

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """By the transaction's number when known, else by ours in both reports."""
        if supplier_ref:
            return self._tracer.by_ref(ctx, purchase_no, supplier_ref)
        return self._tracer.by_number(ctx, purchase_no)

    def balance(self, ctx: CallContext) -> Money:
        """The wallet in yuan, rounded down; raises `Misconfigured` for another currency."""
        found = self._client.get(ctx, self._account.topups, "accounts/balance").read()
        exchange = self._account.exchange
        try:
            currency, amount = found["currencyCode"], number(found["balance"])
        except UNREADABLE:
            raise HttpOutcomeUnknown("the balance is not an amount") from None
        if currency != exchange.currency:
            raise Misconfigured(f"账户货币是 {str(currency)[:10]}，设置为 {exchange.currency}")
        return exchange.worth(amount)

    def parse_callback(self, ctx: CallContext, request: WebhookRequest) -> CallbackResult:
        """Raises `WebhookRefused` in any doubt."""
        if SupplierCapability.CALLBACK not in self.capabilities:
            raise CapabilityNotSupported("parse_callback")
        return read_notice(self._account, request, ctx.clock.now())

    def _top_up(self, ctx: CallContext, sku: Sku, request: PurchaseRequest) -> PurchaseResult:
        if request.quantity != 1:
            raise Declined("quantity", "话费一次只能充值一笔")
        service = self._account.topups
        operator = self._look(ctx, service, f"operators/{sku.number}")
        self._check_price(lambda: _operator_price(operator, sku), request)
        content = topup_order(operator, sku, request)
        order = self._client.post(ctx, service, "topups-async", content).ordered()
        if not isinstance(order, dict):
            raise HttpOutcomeUnknown("the answer is no transaction")
        return PurchaseResult(
            outcome=Outcome.PENDING, supplier_ref=supplier_ref(service.kind, order)
        )

    def _gift_cards(self, ctx: CallContext, sku: Sku, request: PurchaseRequest) -> PurchaseResult:
        service = self._account.giftcards
        product = self._look(ctx, service, f"products/{sku.number}")
        self._check_price(lambda: card_cost(product, sku.amount), request)
        content = card_order(sku, request, self._account.sender_name)
        order = self._client.post(ctx, service, "orders", content).ordered()
        return self._tracer.result(ctx, service, request.purchase_no, order)

    def _offers(self, kind: str, row: Mapping[str, Any]) -> list[Offer]:
        """None of one that cannot be read: the others on the page stay."""
        read = operator_offers if kind == "topup" else product_offers
        try:
            return list(read(row, self._account.exchange))
        except (*UNREADABLE, Declined):
            return []

    def _look(self, ctx: CallContext, service: Service, path: str) -> Mapping[str, Any]:
        try:
            answer = self._client.get(ctx, service, path)
            if answer.status == 404:
                raise Declined("not_found", "上游已没有这个商品")
            found = answer.read()
        except HttpOutcomeUnknown as error:
            # Nothing was ordered yet, whatever became of the question.
            raise TemporarilyUnavailable(message=str(error)) from None
        if not isinstance(found, dict):
            raise TemporarilyUnavailable(message="the answer is no product")
        return found

    def _check_price(self, price: Callable[[], Decimal], request: PurchaseRequest) -> None:
        try:
            cost = self._account.exchange.cost(price() * request.quantity)
        except UNREADABLE:
            raise Declined("price", "上游价格无法读取") from None
        if cost > request.max_cost:
            raise Declined("price_above_cap", f"上游成本 {cost} 超过成本上限")


def _operator_price(operator: Mapping[str, Any], sku: Sku) -> Decimal:
    if not sells_amount(operator, sku.amount):
        raise Declined("amount", "运营商已不支持这个金额")
    return operator_cost(operator, sku.amount)
