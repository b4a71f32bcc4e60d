"""One account at one 卡易信 site as a supplier."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined, HttpOutcomeUnknown
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

from .account import KayixinAccount
from .catalog import read_page
from .client import Answer, call
from .notices import read_notice
from .orders import nothing_found, result_of
from .refusals import refusal_code, says_no_such_order
from .values import amount, text, whole


class KayixinSupplier(BaseSupplier):
    """Cards come in a notice or when asked for."""

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
    rules = SupplierRules(
        # The documents promise uniqueness for transfers only; of an order's `outerNumber` they
        # just say that it is the buyer's number. So it is never sent a second time.
        number_is_idempotent=False,
        # The signed time is there "to check expiry", so a lost request cannot arrive much later.
        # Ten minutes is our choice: the documents name no window.
        not_found_means_nothing_s=int(timedelta(minutes=10).total_seconds()),
        # The documents set no pace. Cards are there at once; for the rest notices come first.
        query_after_s=(2, 5, 10, 20, 30, 60, 120, 300, 600),
    )

    def __init__(self, account: KayixinAccount) -> None:
        self._account = account

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """Twenty goods, each variant as an offer of its own."""
        return read_page(ctx, self._account, cursor)

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """One `order/create`; `safePrice` is the cap of the whole order.

        Cards that come with the answer are left there: only the order itself says how many they
        are and what they cost, and it is asked for two seconds later.
        """
        goods, _, sku = request.sku_ref.partition(":")
        if not whole(goods):
            raise Declined("sku", "商品编号不是数字")
        fields: dict[str, object] = {
            "goodsId": int(goods),
            "count": request.quantity,
            "notifyUrl": request.notify_url,
            "outerNumber": request.purchase_no,
            "safePrice": request.max_cost,
            "sku": sku,
            "attach": [{"name": name, "value": value} for name, value in request.inputs.items()],
        }
        return _placed(call(ctx, self._account, "order/create", fields))

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """`order/getDetail` by our own number, which the site keeps when its answer was lost."""
        asked = {"orderNumber": "", "outerNumber": purchase_no}
        answer = call(ctx, self._account, "order/getDetail", asked)
        if not answer.done:
            # A refused question is no refusal of the order.
            found = not says_no_such_order(answer.message)
            return _unknown(answer.message) if found else nothing_found()
        order = answer.data
        if not isinstance(order, dict):
            raise HttpOutcomeUnknown("the site's order is no object")
        ours = text(order.get("outerNumber")) == purchase_no
        if not ours or supplier_ref not in ("", text(order.get("orderNumber"))):
            return _unknown("上游返回了另一笔订单")
        return result_of(order, order.get("cards"))

    def balance(self, ctx: CallContext) -> Money:
        """What `user/getAccount` says."""
        found = call(ctx, self._account, "user/getAccount").needed()
        balance = amount(found.get("balance")) if isinstance(found, dict) else None
        if balance is None:
            raise HttpOutcomeUnknown("the site told no balance")
        return balance

    def parse_callback(self, ctx: CallContext, request: WebhookRequest) -> CallbackResult:
        """Order, goods and complaint notices; see `notices`."""
        return read_notice(self._account, request, ctx.clock.now())

    def cancel(
        self, ctx: CallContext, purchase_no: str, supplier_ref: str, reason: str
    ) -> PurchaseResult:
        """`order/refunds` may need somebody's consent over there: the order tells how it stands."""
        asked = {"orderNumber": "", "outerNumber": purchase_no}
        answer = call(ctx, self._account, "order/refunds", asked)
        after = self.query(ctx, purchase_no, supplier_ref)
        if answer.done and after.outcome is Outcome.SUCCEEDED and not after.refunded:
            return PurchaseResult(
                outcome=Outcome.PENDING, supplier_ref=after.supplier_ref, cost=after.cost,
                message="已申请退款，等待上游审核",
            )  # fmt: skip
        if answer.done or after.outcome is not Outcome.PENDING:
            return after
        return replace(after, message=f"上游没有同意：{answer.message}")


def _placed(answer: Answer) -> PurchaseResult:
    if not answer.done:
        code = refusal_code(answer.message)
        if code is not None:
            raise Declined(code, answer.message)
        return _unknown(answer.message)
    order = answer.data if isinstance(answer.data, dict) else {}
    number = text(order.get("orderNumber"))
    if not number:
        return _unknown("下单结果没有订单编号")
    return PurchaseResult(outcome=Outcome.PENDING, supplier_ref=number)


def _unknown(message: str) -> PurchaseResult:
    return PurchaseResult(outcome=Outcome.UNKNOWN, message=message)
