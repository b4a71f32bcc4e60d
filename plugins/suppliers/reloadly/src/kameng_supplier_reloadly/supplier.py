"""The supplier: one Reloadly account with both its catalogues."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kameng_sdk.context import CallContext
from kameng_sdk.errors import (
    CapabilityNotSupported,
    Declined,
    HttpOutcomeUnknown,
    Misconfigured,
    PluginError,
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
from .transactions import cards_of, page_of, receipt, settled, supplier_ref, wrong_with

PAGE_SIZE = 100
READABLE = (KeyError, TypeError, ValueError, AttributeError, Declined)


class ReloadlySupplier(BaseSupplier):
    """Top-ups are ordered without waiting for the operator; gift cards are read when ready."""

    # customIdentifier can be used once ever: the documents say so for top-ups and call it unique
    # for gift cards. How soon a transaction is in the reports is not documented: ten minutes, and
    # a repeat that was wrong would be refused as a used reference, which is UNKNOWN here.
    rules = SupplierRules(number_is_idempotent=True, not_found_means_nothing_s=600)

    def __init__(self, account: ReloadlyAccount) -> None:
        self._account = account
        self._client = ReloadlyClient(account)

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
        service, path = (
            (self._account.topups, "operators")
            if kind == "topup"
            else (self._account.giftcards, "products")
        )
        query: dict[str, object] = {"size": PAGE_SIZE, "page": page}
        if kind == "topup":
            query["suggestedAmounts"] = "true"
        found = page_of(self._client.get(ctx, service, path, query).read(), PAGE_SIZE)
        offers = [offer for row in found.rows for offer in self._offers(kind, row)]
        if not found.last:
            return OfferPage(offers=offers, next_cursor=f"{kind}:{int(page) + 1}")
        return OfferPage(offers=offers, next_cursor="giftcard:1" if kind == "topup" else "")

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """Look at the price, since an order cannot carry a cap; then order once."""
        sku = Sku.parse(request.sku_ref)
        if sku.kind == "topup":
            return self._top_up(ctx, sku, request)
        product = self._look(ctx, self._account.giftcards, f"products/{sku.number}")
        self._check_price(lambda: card_cost(product, sku.amount), request)
        content = card_order(sku, request, self._account.sender_name)
        order = self._client.post(ctx, self._account.giftcards, "orders", content).ordered()
        return self._result(ctx, self._account.giftcards, request.purchase_no, order)

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """By the transaction's number when known, else by ours in both reports."""
        kind, _, transaction = supplier_ref.partition(":")
        if not transaction:
            return self._search(ctx, purchase_no)
        service = self._account.topups if kind == "topup" else self._account.giftcards
        answer = self._client.get(ctx, service, f"{service.reports}/{transaction}")
        if answer.status == 404:
            return _not_found(supplier_ref)
        found = answer.read()
        # One document shows a list around the one transaction.
        if isinstance(found, list) and len(found) == 1:
            (found,) = found
        return self._result(ctx, service, purchase_no, found)

    def balance(self, ctx: CallContext) -> Money:
        """The wallet in yuan, rounded down; raises `Misconfigured` for another currency."""
        found = self._client.get(ctx, self._account.topups, "accounts/balance").read()
        exchange = self._account.exchange
        try:
            currency, amount = found["currencyCode"], number(found["balance"])
        except READABLE:
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

    def _offers(self, kind: str, row: Mapping[str, Any]) -> list[Offer]:
        """None of one that cannot be read: the others on the page stay."""
        read = operator_offers if kind == "topup" else product_offers
        try:
            return list(read(row, self._account.exchange))
        except READABLE:
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

    def _check_price(self, price: Any, request: PurchaseRequest) -> None:
        try:
            cost = self._account.exchange.cost(price() * request.quantity)
        except READABLE as error:
            if isinstance(error, Declined):
                raise
            raise Declined("price", "上游价格无法读取") from None
        if cost > request.max_cost:
            raise Declined("price_above_cap", f"上游成本 {cost} 超过成本上限")

    def _search(self, ctx: CallContext, purchase_no: str) -> PurchaseResult:
        found: list[tuple[Service, Mapping[str, Any]]] = []
        complete = True
        for service in (self._account.topups, self._account.giftcards):
            query = {"customIdentifier": purchase_no, "size": PAGE_SIZE, "page": 1}
            answer = self._client.get(ctx, service, service.reports, query).read()
            page = page_of(answer, PAGE_SIZE)
            mine = [row for row in page.rows if row.get("customIdentifier") == purchase_no]
            found += [(service, row) for row in mine]
            # Whoever does not filter by our number shows the newest: then absence proves nothing.
            complete = complete and page.last
        if len(found) == 1:
            ((service, row),) = found
            return self._result(ctx, service, purchase_no, row)
        if found:
            return PurchaseResult(outcome=Outcome.UNKNOWN, message="上游有两笔同号交易，请人工核对")
        if not complete:
            return PurchaseResult(outcome=Outcome.UNKNOWN, message="上游交易列表过长，无法确认")
        return _not_found("")

    def _result(
        self, ctx: CallContext, service: Service, purchase_no: str, transaction: Any
    ) -> PurchaseResult:
        if not isinstance(transaction, dict):
            raise HttpOutcomeUnknown("the answer is no transaction")
        if transaction.get("customIdentifier") != purchase_no:
            raise HttpOutcomeUnknown("the answer is about another purchase")
        exchange = self._account.exchange
        if service.kind == "topup":
            return settled(service.kind, transaction, exchange, (receipt(transaction),))
        plain = settled(service.kind, transaction, exchange)
        return (
            plain
            if plain.outcome is not Outcome.SUCCEEDED
            else self._with_cards(ctx, transaction, plain)
        )

    def _with_cards(
        self, ctx: CallContext, transaction: Mapping[str, Any], result: PurchaseResult
    ) -> PurchaseResult:
        """Paid and done, so it stays PENDING until its cards could be read."""
        path = f"orders/transactions/{transaction['transactionId']}/cards"
        outcome, message, cards = Outcome.SUCCEEDED, "", []
        try:
            cards = cards_of(self._client.get(ctx, self._account.giftcards, path).read())
            message = wrong_with(cards, transaction)
            outcome = Outcome.UNKNOWN if message else outcome
        except PluginError:
            outcome, message = Outcome.PENDING, "上游已完成，卡密暂时读取不到"
        return PurchaseResult(
            outcome=outcome,
            supplier_ref=result.supplier_ref,
            deliveries=cards if outcome is Outcome.SUCCEEDED else (),
            cost=result.cost,
            message=message,
        )


def _operator_price(operator: Mapping[str, Any], sku: Sku) -> Decimal:
    if not sells_amount(operator, sku.amount):
        raise Declined("amount", "运营商已不支持这个金额")
    return operator_cost(operator, sku.amount)


def _not_found(supplier_ref: str) -> PurchaseResult:
    return PurchaseResult(
        outcome=Outcome.UNKNOWN, supplier_ref=supplier_ref, message="上游查无此交易", found=False
    )
