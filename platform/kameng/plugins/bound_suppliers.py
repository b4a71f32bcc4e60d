"""A supplier bound to one account. No method raises what the plugin raised."""

from __future__ import annotations

from collections.abc import Iterator
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
    Offer,
    OfferField,
    OfferKind,
    OfferPage,
    PurchaseEvent,
    PurchaseRequest,
    PurchaseResult,
    Supplier,
    SupplierCapability,
    SupplierRules,
)
from kameng_sdk.webhooks import WebhookRequest

PURCHASE_S = 20.0
LIST_S = 30.0
MOST_DELIVERIES = 100_000
MOST_OFFERS = 5_000  # on one page
MOST_FIELDS = 30
MOST_NAME = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundSupplier(Bound):
    """Commit the purchase's row, then call; decide by ``Answer.outcome``."""

    capabilities: SupplierCapability
    rules: SupplierRules
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
        """Buy once."""
        return invoke(
            self.line, "purchase", lambda ctx: self.supplier.purchase(ctx, request),
            seconds=PURCHASE_S, judge=_judge_purchase, codes=_codes,
        )  # fmt: skip

    def query(self, purchase_no: str, supplier_ref: str = "") -> Answer[PurchaseResult]:
        """Ask what became of a purchase."""
        if SupplierCapability.QUERY not in self.capabilities:
            return undeclared("query")
        return invoke(
            self.line, "query", lambda ctx: self.supplier.query(ctx, purchase_no, supplier_ref),
            seconds=QUERY_S, judge=_judge_purchase, codes=_codes,
        )  # fmt: skip

    def cancel(self, purchase_no: str, supplier_ref: str, reason: str) -> Answer[PurchaseResult]:
        """Ask for a purchase to be taken back."""
        if SupplierCapability.CANCEL not in self.capabilities:
            return undeclared("cancel")
        return invoke(
            self.line, "cancel",
            lambda ctx: self.supplier.cancel(ctx, purchase_no, supplier_ref, reason),
            seconds=QUERY_S, judge=_judge_purchase, codes=_codes,
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


def _codes(result: PurchaseResult) -> Iterator[str]:
    for delivery in result.deliveries:
        if delivery.code is not None:
            yield delivery.code.reveal()


def _judge_page(page: OfferPage) -> Outcome:
    expect(page, OfferPage)
    expect_text(page.next_cursor, MOST_REF)
    expect_list(page.offers, Offer, MOST_OFFERS)
    for offer in page.offers:
        _expect_offer(offer)
    return Outcome.SUCCEEDED


def _expect_offer(offer: Offer) -> None:
    expect_text(offer.sku_ref, MOST_REF)
    expect_text(offer.name, MOST_NAME)
    expect_text(offer.category, MOST_NAME)
    expect_money(offer.cost)
    expect(offer.kind, OfferKind)
    expect(offer.on_sale, bool)
    for number in (offer.minimum, offer.maximum, offer.stock):
        if number is not None and (type(number) is not int or not 0 <= number < 2**31):
            raise ValueError("a count that cannot be kept")
    expect_list(offer.fields, OfferField, MOST_FIELDS)
    for field in offer.fields:
        expect_text(field.name, MOST_REF)
        expect_text(field.label, MOST_REF)
        expect(field.required, bool)
    if not offer.sku_ref or not offer.name or offer.minimum < 1:
        raise ValueError("an offer without number, name or least quantity")


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
    for money in (result.cost, result.refunded):
        if money is not None:
            expect_money(money)
    outcome = outcome_of(result)
    if type(result.found) is not bool or (not result.found and outcome is not Outcome.UNKNOWN):
        raise ValueError("not found, and yet an outcome")
    return outcome


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
        expect_text(event.supplier_ref, MOST_REF)
        if event.result is not None:
            _judge_purchase(event.result)
        if not event.purchase_no or not event.event_id:
            raise ValueError("an event without number or id")
