"""One account at one 卡速售 site as a supplier."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

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

from .account import KasushouAccount
from .catalog import read_page
from .client import Answer, call
from .notices import read_notice
from .orders import nothing_found, result_of
from .refusals import refusal_code, says_no_such_order
from .values import amount, text, whole

# Orders of how many days a question covers. The documents offer 0 for all, but a zero is easily
# lost on its way through PHP, and then only 30 days would count.
DAYS = 3650


class KasushouSupplier(BaseSupplier):
    """`order/buy` never gives cards: each purchase is asked after, or a notice says when to ask."""

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
        # The documents call `external_orderno` protection against repeats: it must be unique.
        number_is_idempotent=True,
        # After a time-out they tell to ask `order/info`, but not when its "no" can be trusted.
        # Ten minutes is our choice: longer than any request hangs between two servers.
        not_found_means_nothing_s=int(timedelta(minutes=10).total_seconds()),
        # "Ask every 1 to 3 seconds" for cards; a top-up by a person takes minutes.
        query_after_s=(2, 3, 5, 10, 20, 30, 60, 120, 300, 600),
    )

    def __init__(self, account: KasushouAccount) -> None:
        self._account = account

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """Twenty goods of one category with their limits and purchase fields."""
        return read_page(ctx, self._account, cursor)

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """One `order/buy`; PENDING when placed. `safe_price` is the cap of the whole order."""
        fields: dict[str, object] = {
            "id": _goods(request.sku_ref),
            "quantity": request.quantity,
            "external_orderno": request.purchase_no,
            "safe_price": _yuan(request.max_cost),
        }
        if request.notify_url:
            fields["url"] = request.notify_url
        if request.inputs:
            fields["attach"] = dict(request.inputs)
        return _placed(self._ask(ctx, "order/buy", fields), request)

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """`order/info` by our own number, which the site keeps also when its answer was lost."""
        asked = {"external_orderno": purchase_no, "ordersn": "", "day": DAYS}
        answer = self._ask(ctx, "order/info", asked)
        if not answer.done:
            # A refused question is no refusal of the order.
            found = not says_no_such_order(answer.message)
            return _unknown(answer.message) if found else nothing_found()
        orders = answer.data
        if not isinstance(orders, list):
            raise HttpOutcomeUnknown("the site's list of orders is no list")
        if not orders:
            return nothing_found()
        return _only(orders, purchase_no, supplier_ref)

    def balance(self, ctx: CallContext) -> Money:
        """What `user/info` says."""
        found = self._ask(ctx, "user/info", {}).needed()
        balance = amount(found.get("balance")) if isinstance(found, dict) else None
        if balance is None:
            raise HttpOutcomeUnknown("the site told no balance")
        return balance

    def parse_callback(self, ctx: CallContext, request: WebhookRequest) -> CallbackResult:
        """Order, goods and after-sales notices come to one address; see `notices`."""
        return read_notice(self._account, request, ctx.clock.now())

    def cancel(
        self, ctx: CallContext, purchase_no: str, supplier_ref: str, reason: str
    ) -> PurchaseResult:
        """`order/close` asks only; whether the money comes back is read from the order."""
        found = self.query(ctx, purchase_no, supplier_ref)
        if found.outcome is Outcome.DECLINED or not found.supplier_ref:
            return found
        answer = self._ask(ctx, "order/close", {"ordersn": found.supplier_ref})
        after = self.query(ctx, purchase_no, found.supplier_ref)
        if answer.done and after.outcome is Outcome.SUCCEEDED and not after.refunded:
            return PurchaseResult(
                outcome=Outcome.PENDING, supplier_ref=after.supplier_ref, cost=after.cost,
                message="已申请撤单，等待上游退款",
            )  # fmt: skip
        if answer.done or after.outcome is not Outcome.PENDING:
            return after
        return replace(after, message=f"上游没有同意：{answer.message}")

    def _ask(self, ctx: CallContext, path: str, fields: dict[str, object]) -> Answer:
        return call(ctx, self._account, path, fields)


def _goods(sku_ref: str) -> int:
    number = whole(sku_ref)
    if not number:
        raise Declined("sku", "商品编号不是数字")
    return number


def _yuan(money: Money) -> str:
    return money.format(4 if money.amount % 100 else 2)


def _placed(answer: Answer, request: PurchaseRequest) -> PurchaseResult:
    if not answer.done:
        code = refusal_code(answer.message)
        if code is not None:
            raise Declined(code, answer.message)
        return _unknown(answer.message)
    order: dict[str, Any] = answer.data if isinstance(answer.data, dict) else {}
    number = text(order.get("ordersn"))
    if not number or text(order.get("external_orderno")) not in ("", request.purchase_no):
        return _unknown("下单结果与订单不符")
    cost = amount(order.get("total_price"))
    dear = cost is not None and cost > request.max_cost
    return PurchaseResult(
        outcome=Outcome.PENDING, supplier_ref=number, cost=cost,
        message="上游收取的金额高于限价" if dear else "",
    )  # fmt: skip


def _only(orders: list[Any], purchase_no: str, supplier_ref: str) -> PurchaseResult:
    """The one order of that number. Two, or another's, is a matter for people."""
    order = orders[0]
    if len(orders) != 1 or not isinstance(order, dict):
        return _unknown("同一单号对应多笔上游订单，请人工核对")
    ours = text(order.get("external_orderno")) == purchase_no
    if not ours or supplier_ref not in ("", text(order.get("ordersn"))):
        return _unknown("上游返回了另一笔订单")
    return result_of(order)


def _unknown(message: str) -> PurchaseResult:
    return PurchaseResult(outcome=Outcome.UNKNOWN, message=message)
