"""A supplier bound to one account. No method raises what the plugin raised."""

from __future__ import annotations

from dataclasses import dataclass

from kameng.plugins.bound import (
    MOST_EVENTS,
    MOST_MESSAGE,
    MOST_REF,
    QUERY_S,
    Bound,
    expect,
    expect_list,
    expect_money,
    expect_reply,
    expect_text,
    outcome_of,
    parse_notice,
    undeclared,
)
from kameng.plugins.invoke import Answer, invoke
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import (
    CallbackResult,
    Delivery,
    OfferPage,
    PurchaseEvent,
    PurchaseRequest,
    PurchaseResult,
    Supplier,
    SupplierCapability,
)
from kameng_sdk.webhooks import WebhookRequest

PURCHASE_S = 20.0
LIST_S = 30.0
MOST_DELIVERIES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundSupplier(Bound):
    """Commit the purchase's row, then call; decide by ``Answer.outcome``."""

    capabilities: SupplierCapability
    supplier: Supplier

    def list_offers(self, cursor: str = "") -> Answer[OfferPage]:
        """One page of what it sells."""
        if SupplierCapability.OFFERS not in self.capabilities:
            return undeclared("list_offers")
        return invoke(
            self.line, "list_offers", lambda ctx: self.supplier.list_offers(ctx, cursor),
            seconds=LIST_S, judge=_judge_page,
        )  # fmt: skip

    def purchase(self, request: PurchaseRequest) -> Answer[PurchaseResult]:
        """Buy once. More than was asked for, or above the cost cap, is UNKNOWN: a person looks."""

        def judge(result: PurchaseResult) -> Outcome:
            outcome = _judge_purchase(result)
            if len(result.deliveries) > request.quantity:
                raise ValueError("more was delivered than asked for")
            if result.cost is not None and result.cost > request.max_cost:
                raise ValueError("it cost more than allowed")
            return outcome

        return invoke(
            self.line, "purchase", lambda ctx: self.supplier.purchase(ctx, request),
            seconds=PURCHASE_S, judge=judge,
        )  # fmt: skip

    def query(self, purchase_no: str, supplier_ref: str = "") -> Answer[PurchaseResult]:
        """Ask what became of a purchase."""
        if SupplierCapability.QUERY not in self.capabilities:
            return undeclared("query")
        return invoke(
            self.line, "query", lambda ctx: self.supplier.query(ctx, purchase_no, supplier_ref),
            seconds=QUERY_S, judge=_judge_purchase,
        )  # fmt: skip

    def balance(self) -> Answer[Money]:
        """What is left of our prepaid money."""
        if SupplierCapability.BALANCE not in self.capabilities:
            return undeclared("balance")
        return invoke(
            self.line, "balance", self.supplier.balance, seconds=QUERY_S, judge=_judge_balance
        )

    def parse_callback(self, request: WebhookRequest) -> CallbackResult:
        """Verified facts of a notice; raises `WebhookRefused` for anything less, errors too."""
        return parse_notice(
            self.line, lambda ctx: self.supplier.parse_callback(ctx, request), _check_callback
        )


def _judge_page(page: OfferPage) -> Outcome:
    expect(page, OfferPage)
    return Outcome.SUCCEEDED


def _judge_purchase(result: PurchaseResult) -> Outcome:
    expect(result, PurchaseResult)
    expect_text(result.supplier_ref, MOST_REF)
    expect_text(result.message, MOST_MESSAGE)
    expect_list(result.deliveries, Delivery, MOST_DELIVERIES)
    for delivery in result.deliveries:
        expect_text(delivery.number, MOST_REF)
        expect_text(delivery.note, MOST_MESSAGE)
        if delivery.code is not None:
            expect(delivery.code, Secret)
    if result.cost is not None:
        expect_money(result.cost)
    return outcome_of(result)


def _judge_balance(balance: Money) -> Outcome:
    expect(balance, Money)
    return Outcome.SUCCEEDED


def _check_callback(result: CallbackResult) -> None:
    expect(result, CallbackResult)
    expect_reply(result.reply)
    expect_list(result.events, PurchaseEvent, MOST_EVENTS)
    for event in result.events:
        expect_text(event.purchase_no, MOST_REF)
        expect_text(event.event_id, MOST_REF)
        _judge_purchase(event.result)
        if not event.purchase_no or not event.event_id:
            raise ValueError("an event without number or id")
