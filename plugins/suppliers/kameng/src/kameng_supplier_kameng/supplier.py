"""The supplier: one member's key at one station of another Kameng."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from kameng_sdk.context import CallContext
from kameng_sdk.errors import HttpOutcomeUnknown, Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import (
    BaseSupplier,
    CallbackResult,
    OfferPage,
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
    SupplierRules,
)
from kameng_sdk.webhooks import WebhookRequest

from .account import KamengAccount
from .client import call
from .goods import offers_of
from .notices import read_notice
from .orders import result_of
from .refusals import CONFLICT, NONCE_USED, ORDER_UNKNOWN, REFUND_NO, REFUND_OPEN, TOO_MANY

PAGE_SIZE = 100  # the most that the interface gives
IN_DOUBT = {
    CONFLICT: "同一个采购单号在上游对应了不同的内容，以查询结果为准",
    NONCE_USED: "上游说这个请求已经到过一次，以查询结果为准",
    TOO_MANY: "上游限流，稍后按原单号再下单",
}


class KamengSupplier(BaseSupplier):
    """Buys from the member's balance; cards come with the order or a question."""

    capabilities = (
        SupplierCapability.OFFERS
        | SupplierCapability.STOCK
        | SupplierCapability.QUERY
        | SupplierCapability.BALANCE
        | SupplierCapability.CALLBACK
        | SupplierCapability.CODES
        | SupplierCapability.TOP_UP
        | SupplierCapability.PARTIAL
        | SupplierCapability.CANCEL
    )
    rules = SupplierRules(
        # One member and one merchant_order_no make one order for ever: it is the order's own key.
        number_is_idempotent=True,
        # An order is in the database before it is answered, so "no such order" is wrong only while
        # our request is still under way. A Kameng gives up a request after 60 s.
        not_found_means_nothing_s=60,
        query_after_s=(2, 3, 5, 10, 20, 30, 60, 120, 300, 600),
    )

    def __init__(self, account: KamengAccount) -> None:
        self._account = account

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """A page of SKUs at our member's price; raises `Misconfigured` as `balance` does."""
        if not cursor:
            self.balance(ctx)
        query = urlencode({"limit": PAGE_SIZE, **({"cursor": cursor} if cursor else {})})
        page = call(ctx, self._account, "GET", f"products?{query}").read()
        items, following = page.get("items"), page.get("next_cursor")
        if not isinstance(items, list) or not isinstance(following, str):
            raise HttpOutcomeUnknown("the answer is no page of products")
        return OfferPage(offers=list(offers_of(items)), next_cursor=following)

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """One order; the other side keeps the cap. A repeat answers with the first order."""
        fields: dict[str, Any] = {
            "sku": request.sku_ref,
            "quantity": request.quantity,
            "merchant_order_no": request.purchase_no,
            "inputs": dict(request.inputs),
            "max_total": request.max_cost.format(4),
        }
        if request.notify_url:
            fields["notify_url"] = request.notify_url
        answer = call(ctx, self._account, "POST", "orders", fields)
        if answer.code in IN_DOUBT:
            return PurchaseResult(outcome=Outcome.UNKNOWN, message=IN_DOUBT[answer.code])
        order = _named(answer.ordered(), request.purchase_no)
        if order.get("sku") != request.sku_ref or order.get("quantity") != request.quantity:
            raise HttpOutcomeUnknown("the answer is about other goods")
        return result_of(order)

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """By our own number, which is there as soon as the order is."""
        what = f"orders?{urlencode({'merchant_order_no': purchase_no})}"
        answer = call(ctx, self._account, "GET", what)
        if answer.code == ORDER_UNKNOWN:
            return PurchaseResult(
                outcome=Outcome.UNKNOWN, supplier_ref=supplier_ref, message="上游查无此订单",
                found=False,
            )  # fmt: skip
        return result_of(_named(answer.read(), purchase_no, supplier_ref))

    def balance(self, ctx: CallContext) -> Money:
        """The member's balance; raises `Misconfigured` when it is not in yuan, or not real."""
        account = call(ctx, self._account, "GET", "account").read()
        if account.get("currency") != "CNY":
            found = str(account.get("currency"))[:10]
            raise Misconfigured(f"上游账户的货币是 {found}，只支持 CNY")
        if account.get("sandbox") is True:
            raise Misconfigured("这是沙箱密钥，下单不会真的发货，请换成正式密钥")
        try:
            return Money.parse(str(account.get("balance")))
        except ValueError:
            raise HttpOutcomeUnknown("the balance is not an amount") from None

    def parse_callback(self, ctx: CallContext, request: WebhookRequest) -> CallbackResult:
        """Raises `WebhookRefused` in any doubt."""
        return read_notice(self._account, request, ctx.clock.now())

    def cancel(
        self, ctx: CallContext, purchase_no: str, supplier_ref: str, reason: str
    ) -> PurchaseResult:
        """Asks for all the money back; a person over there decides, and the order tells.

        What is delivered is not asked back: after-sales of goods is no cancellation.
        """
        found = self.query(ctx, purchase_no, supplier_ref)
        if found.outcome is not Outcome.PENDING:
            return found
        reason = reason or "撤单"
        # Another reason is another request: the first may have been declined meanwhile.
        digest = hashlib.sha256(reason.encode()).hexdigest()[:8]
        fields = {"reason": reason, "request_no": f"cancel-{purchase_no}-{digest}"}
        what = f"orders/{quote(found.supplier_ref, safe='')}/refund-requests"
        answer = call(ctx, self._account, "POST", what, fields)
        if answer.code not in (REFUND_NO, REFUND_OPEN):
            answer.read()
        return self.query(ctx, purchase_no, found.supplier_ref)


def _named(order: Mapping[str, Any], purchase_no: str, supplier_ref: str = "") -> Mapping[str, Any]:
    """The order, if it is the one that was asked about."""
    number = order.get("order_no")
    ours = order.get("merchant_order_no") == purchase_no
    if not ours or not isinstance(number, str) or not number:
        raise HttpOutcomeUnknown("the answer is about another order")
    if supplier_ref and number != supplier_ref:
        raise HttpOutcomeUnknown("our number names another order than before")
    return order
