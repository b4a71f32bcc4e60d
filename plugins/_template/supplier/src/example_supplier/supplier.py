"""The supplier: questions and answers of the protocol as Kameng's SDK names them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from example_supplier.client import Client
from example_supplier.signing import is_signed, notice_content
from kameng_sdk.context import CallContext
from kameng_sdk.errors import HttpOutcomeUnknown, WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import (
    BaseSupplier,
    CallbackResult,
    Delivery,
    Offer,
    OfferField,
    OfferKind,
    OfferPage,
    PurchaseEvent,
    PurchaseRequest,
    PurchaseResult,
    SupplierCapability,
    SupplierRules,
)
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

FRESH_S = 300
# "closed" means: not delivered, and the money is back.
STATES = {"open": Outcome.PENDING, "done": Outcome.SUCCEEDED, "closed": Outcome.DECLINED}


@dataclass(frozen=True, slots=True)
class ExampleSupplier(BaseSupplier):
    """One account. The same number is refused over there, so it never buys twice."""

    client: Client

    capabilities = (
        SupplierCapability.OFFERS
        | SupplierCapability.STOCK
        | SupplierCapability.QUERY
        | SupplierCapability.BALANCE
        | SupplierCapability.CALLBACK
        | SupplierCapability.CODES
        | SupplierCapability.TOP_UP
    )
    rules = SupplierRules(number_is_idempotent=True, not_found_means_nothing_s=60)

    def list_offers(self, ctx: CallContext, cursor: str) -> OfferPage:
        """All goods on one page."""
        goods = self.client.ask(ctx, "/api/goods", {}).get("goods")
        if not isinstance(goods, list):
            raise HttpOutcomeUnknown("the answer holds no goods")
        return OfferPage(offers=[_offer(article) for article in goods])

    def purchase(self, ctx: CallContext, request: PurchaseRequest) -> PurchaseResult:
        """One request that buys, with the cap of the whole."""
        question = {
            "number": request.purchase_no,
            "sku": request.sku_ref,
            "quantity": request.quantity,
            "inputs": dict(request.inputs),
            "max": request.max_cost.format(4),
            "notify_url": request.notify_url,
        }
        return _result(self.client.ask(ctx, "/api/orders", question), request.purchase_no)

    def query(self, ctx: CallContext, purchase_no: str, supplier_ref: str) -> PurchaseResult:
        """By our own number, which the other side keeps."""
        told = self.client.ask(ctx, "/api/orders/query", {"number": purchase_no})
        if told["code"] == "no_order":
            return PurchaseResult(outcome=Outcome.UNKNOWN, found=False)
        return _result(told, purchase_no)

    def balance(self, ctx: CallContext) -> Money:
        """What is left."""
        return _money(self.client.ask(ctx, "/api/balance", {}).get("balance"))

    def parse_callback(self, ctx: CallContext, request: WebhookRequest) -> CallbackResult:
        """A notice names an order; what became of it is asked, so no card travels in a notice."""
        timestamp = request.header("X-Timestamp")
        content = notice_content(timestamp, request.body)
        if not is_signed(self.client.key.reveal(), content, request.header("X-Signature")):
            raise WebhookRefused("wrong signature")
        if not timestamp.isdecimal() or abs(ctx.clock.now().timestamp() - int(timestamp)) > FRESH_S:
            raise WebhookRefused("too old")
        number = _number_of(request.body)
        event_id = hashlib.sha256(request.body).hexdigest()[:32]
        event = PurchaseEvent(purchase_no=number, event_id=event_id, result=None)
        return CallbackResult(events=[event], reply=WebhookReply(body=b"ok"))


def _number_of(body: bytes) -> str:
    try:
        number = json.loads(body)["number"]
    except (ValueError, KeyError, TypeError):
        raise WebhookRefused("no order is named") from None
    if not isinstance(number, str) or not number:
        raise WebhookRefused("no order is named")
    return number


def _result(told: dict[str, Any], purchase_no: str) -> PurchaseResult:
    """What the other side says of an order; raises `HttpOutcomeUnknown` when that is unsure."""
    order = told.get("order")
    if not isinstance(order, dict) or order.get("number") != purchase_no:
        raise HttpOutcomeUnknown("not about our order")
    outcome = STATES.get(str(order.get("state")))
    cards = order.get("cards")
    if outcome is None or not isinstance(cards, list):
        raise HttpOutcomeUnknown("a state that decides nothing")
    return PurchaseResult(
        outcome=outcome,
        supplier_ref=str(order.get("ref", "")),
        deliveries=_deliveries(outcome, cards, str(order.get("ref", ""))),
        cost=_money(order.get("cost")),
    )


def _deliveries(outcome: Outcome, cards: list[Any], ref: str) -> list[Delivery]:
    if outcome is not Outcome.SUCCEEDED:
        return []
    if not cards:
        return [Delivery(note=f"order {ref}")]
    return [Delivery(number=str(card["number"]), code=Secret(str(card["code"]))) for card in cards]


def _offer(article: dict[str, Any]) -> Offer:
    top_up = article["kind"] == "top_up"
    return Offer(
        sku_ref=str(article["sku"]),
        name=str(article["name"]),
        cost=_money(article["cost"]),
        kind=OfferKind.TOP_UP if top_up else OfferKind.CARD,
        category=str(article["category"]),
        stock=article["stock"],
        on_sale=article["on_sale"] is True,
        fields=(OfferField(name="account", label="充值账号"),) if top_up else (),
    )


def _money(text: object) -> Money:
    try:
        return Money.parse(text)  # type: ignore[arg-type]  # what is no text is refused there
    except (TypeError, ValueError):
        raise HttpOutcomeUnknown("an amount that is none") from None
