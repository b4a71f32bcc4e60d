"""The supplier: one account at one dujiao-next site."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from kameng_sdk.context import CallContext
from kameng_sdk.errors import (
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
    OfferPage,
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
    SupplierRules,
)
from kameng_sdk.webhooks import WebhookRequest

from .account import DujiaoAccount
from .client import call
from .goods import SkuRef, category_paths, is_manual, offers_of, price_of, sku_of
from .notices import read_notice
from .orders import result_of

PAGE_SIZE = 100  # the most that the protocol gives
GONE = ("product_not_found", "product_unavailable")
MOST_DIGITS = 32


class DujiaoSupplier(BaseSupplier):
    """Buys from the account's wallet; cards come with the order, a notice or a query."""

    capabilities = (
        SupplierCapability.OFFERS
        | SupplierCapability.STOCK
        | SupplierCapability.QUERY
        | SupplierCapability.BALANCE
        | SupplierCapability.CALLBACK
        | SupplierCapability.CODES
        | SupplierCapability.TOP_UP
        | SupplierCapability.CANCEL
    )
    # The protocol promises that one key and one downstream_order_no make one order, and that a
    # repeat answers with it. But it cannot be asked by that number, and "no such order" about one
    # that the site itself has named is no proof of anything: a person decides.
    rules = SupplierRules(number_is_idempotent=True)

    def __init__(self, account: DujiaoAccount) -> None:
        self._account = account

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """A page of products; raises `Misconfigured` when the site does not trade in yuan."""
        if not cursor:
            self.balance(ctx)
        page = int(cursor or "1")
        query = urlencode({"page": page, "page_size": PAGE_SIZE})
        listed = call(ctx, self._account, "GET", "products", query=query).read()
        products, total = listed.get("items"), listed.get("total")
        if not isinstance(products, list) or type(total) is not int:
            raise HttpOutcomeUnknown("the answer is no list of products")
        paths = self._categories(ctx)
        offers = [
            offer for one in products if isinstance(one, dict) for offer in offers_of(one, paths)
        ]
        # Sites may give fewer at once than they were asked for, and say so.
        size = listed.get("page_size")
        more = products and page * (size if type(size) is int else PAGE_SIZE) < total
        return OfferPage(offers=offers, next_cursor=str(page + 1) if more else "")

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """Look at the price, since an order cannot carry a cap; then order once."""
        ref = SkuRef.parse(request.sku_ref)
        product = self._product(ctx, ref)
        _check_price(product, ref, request)
        fields = {
            "sku_id": ref.sku_id,
            "quantity": request.quantity,
            "downstream_order_no": request.purchase_no,
            "trace_id": ctx.correlation_id,
        }
        if is_manual(product):
            fields["manual_form_data"] = dict(request.inputs)
        if request.notify_url:
            fields["callback_url"] = request.notify_url
        order = call(ctx, self._account, "POST", "orders", fields).ordered()
        return _needing_number(result_of(order))

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """By the order's number only: the protocol cannot be asked by ours."""
        if not _is_number(supplier_ref):
            # No proof that there is none: a notice brings the number, or a person finds it.
            message = "没有上游订单号，无法按采购单号查询；等待回调或请人工核对"
            return PurchaseResult(outcome=Outcome.UNKNOWN, message=message)
        answer = call(ctx, self._account, "GET", f"orders/{supplier_ref}")
        if answer.status == 404 and answer.code == "order_not_found":
            return PurchaseResult(
                outcome=Outcome.UNKNOWN, supplier_ref=supplier_ref, message="上游查无此订单",
                found=False,
            )  # fmt: skip
        return result_of(_answered(answer.read(), supplier_ref))

    def cancel(
        self, ctx: CallContext, purchase_no: str, supplier_ref: str, reason: str
    ) -> PurchaseResult:
        """The site takes no reason. Too late: how the order stands now."""
        if not _is_number(supplier_ref):
            return self.query(ctx, purchase_no, supplier_ref)
        answer = call(ctx, self._account, "POST", f"orders/{supplier_ref}/cancel")
        if answer.ok or answer.code not in ("cancel_not_allowed", "order_not_found"):
            _answered(answer.read(), supplier_ref)
        # Read either way: the answer to a cancellation has no sums.
        return self.query(ctx, purchase_no, supplier_ref)

    def balance(self, ctx: CallContext) -> Money:
        """The wallet; raises `Misconfigured` when it is not kept in yuan."""
        site = call(ctx, self._account, "POST", "ping").read()
        if site.get("currency") != "CNY":
            raise Misconfigured(f"上游站点的货币是 {str(site.get('currency'))[:10]}，只支持 CNY")
        try:
            return Money.parse(str(site.get("balance")))
        except ValueError:
            raise HttpOutcomeUnknown("the balance is not an amount") from None

    def parse_callback(self, ctx: CallContext, request: WebhookRequest) -> CallbackResult:
        """Raises `WebhookRefused` in any doubt."""
        return read_notice(self._account, request, ctx.clock.now())

    def _product(self, ctx: CallContext, ref: SkuRef) -> Mapping[str, Any]:
        try:
            answer = call(ctx, self._account, "GET", f"products/{ref.product_id}")
            if answer.status == 404 and answer.code in GONE:
                raise Declined(answer.code, "上游商品已下架")
            product = answer.read().get("product")
        except HttpOutcomeUnknown as error:
            # Nothing was ordered yet, whatever became of the question.
            raise TemporarilyUnavailable(message=str(error)) from None
        if not isinstance(product, dict):
            raise TemporarilyUnavailable(message="the answer is no product")
        return product

    def _categories(self, ctx: CallContext) -> dict[int, str]:
        found = call(ctx, self._account, "GET", "categories").read().get("categories")
        return category_paths(found if isinstance(found, list) else [])


def _check_price(product: Mapping[str, Any], ref: SkuRef, request: PurchaseRequest) -> None:
    try:
        price = price_of(sku_of(product, ref.sku_id))
    except (KeyError, ValueError):
        raise Declined("price", "上游价格无法读取") from None
    if price * request.quantity > request.max_cost:
        raise Declined("price_above_cap", f"上游单价 {price} 超过成本上限")


def _needing_number(result: PurchaseResult) -> PurchaseResult:
    if not result.supplier_ref:
        raise HttpOutcomeUnknown("the order was answered without its number")
    return result


def _answered(order: Mapping[str, Any], supplier_ref: str) -> Mapping[str, Any]:
    if str(order.get("order_id")) != supplier_ref:
        raise HttpOutcomeUnknown("the answer is about another order")
    return order


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < len(text) <= MOST_DIGITS
