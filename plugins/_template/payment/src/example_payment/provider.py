"""The provider: questions and answers of the protocol as Kameng's SDK names them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from example_payment.client import Client
from example_payment.signing import is_signed, notice_content
from kameng_sdk.context import CallContext
from kameng_sdk.errors import HttpOutcomeUnknown, WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import (
    BasePaymentProvider,
    ChargeRequest,
    ChargeResult,
    PaymentCapability,
    PaymentEvent,
    PaymentEventKind,
    PaymentMethod,
    QueryResult,
    RefundRequest,
    RefundResult,
    WebhookResult,
)
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

FRESH_S = 300
# "open" may still be paid; "closed" never will be.
STATES = {"open": Outcome.PENDING, "paid": Outcome.SUCCEEDED, "closed": Outcome.DECLINED}


@dataclass(frozen=True, slots=True)
class ExampleProvider(BasePaymentProvider):
    """One account at the gateway."""

    client: Client

    capabilities = (
        PaymentCapability.QUERY
        | PaymentCapability.REFUND
        | PaymentCapability.PARTIAL_REFUND
        | PaymentCapability.CANCEL
        | PaymentCapability.WEBHOOK
        | PaymentCapability.REDIRECT
    )

    def methods(self) -> Sequence[PaymentMethod]:
        """One page for all ways."""
        return (PaymentMethod(code="page", label="示例支付"),)

    def charge(self, ctx: CallContext, request: ChargeRequest) -> ChargeResult:
        """The gateway gives a page to pay on."""
        question = {
            "number": request.attempt_no,
            "fen": request.amount.to_fen(),
            "subject": request.subject,
            "notify_url": request.notify_url,
            "return_url": request.return_url,
        }
        charge = _charge(self.client.ask(ctx, "/api/charges", question), request.attempt_no)
        page = charge.get("url")
        if not isinstance(page, str) or not page:
            raise HttpOutcomeUnknown("no page to pay on")
        return ChargeResult(
            outcome=Outcome.PENDING, provider_ref=str(charge["ref"]), redirect_url=page
        )

    def query(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> QueryResult:
        """By our own number, which the gateway keeps."""
        told = self.client.ask(ctx, "/api/charges/query", {"number": attempt_no})
        if told["code"] == "no_order":
            return QueryResult(outcome=Outcome.UNKNOWN, message="not known over there")
        charge = _charge(told, attempt_no)
        outcome = STATES[charge["state"]]
        if outcome is not Outcome.SUCCEEDED:
            return QueryResult(outcome=outcome, provider_ref=charge["ref"])
        return QueryResult(
            outcome=outcome, provider_ref=charge["ref"], amount=_money(charge.get("fen")),
            paid_at=_moment(charge.get("paid_at")),
        )  # fmt: skip

    def refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """Under the refund's number: asked again, the gateway answers with the first result."""
        question = {
            "number": request.refund_no,
            "charge": request.attempt_no,
            "fen": request.amount.to_fen(),
        }
        told = self.client.ask(ctx, "/api/refunds", question)
        if told.get("refund") != request.refund_no:
            raise HttpOutcomeUnknown("not about our refund")
        return RefundResult(outcome=Outcome.SUCCEEDED, provider_ref=str(told.get("ref", "")))

    def query_refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """The same question again moves no more money."""
        return self.refund(ctx, request)

    def cancel(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> Outcome:
        """Closed: SUCCEEDED; paid meanwhile: DECLINED."""
        told = self.client.ask(ctx, "/api/charges/close", {"number": attempt_no})
        if told["code"] == "no_order":
            return Outcome.UNKNOWN
        closed = _charge(told, attempt_no)["state"] == "closed"
        return Outcome.SUCCEEDED if closed else Outcome.DECLINED

    def parse_webhook(self, ctx: CallContext, request: WebhookRequest) -> WebhookResult:
        """Signed with the time: an old copy is refused."""
        timestamp = request.header("X-Timestamp")
        content = notice_content(timestamp, request.body)
        if not is_signed(self.client.key.reveal(), content, request.header("X-Signature")):
            raise WebhookRefused("wrong signature")
        if not timestamp.isdecimal() or abs(ctx.clock.now().timestamp() - int(timestamp)) > FRESH_S:
            raise WebhookRefused("too old")
        return WebhookResult(events=[_event(request.body)], reply=WebhookReply(body=b"ok"))


def _event(body: bytes) -> PaymentEvent:
    try:
        told = json.loads(body)
        return PaymentEvent(
            kind=PaymentEventKind.PAID,
            attempt_no=str(told["number"]),
            provider_ref=str(told["ref"]),
            amount=_money(told["fen"]),
            paid_at=_moment(told["paid_at"]),
            event_id=hashlib.sha256(body).hexdigest()[:32],
            fresh=True,
        )
    except (ValueError, KeyError, TypeError, HttpOutcomeUnknown):
        raise WebhookRefused("no payment is told of") from None


def _charge(told: dict[str, Any], attempt_no: str) -> dict[str, Any]:
    charge = told.get("charge")
    if not isinstance(charge, dict) or charge.get("number") != attempt_no:
        raise HttpOutcomeUnknown("not about our charge")
    if charge.get("state") not in STATES or not isinstance(charge.get("ref"), str):
        raise HttpOutcomeUnknown("a state that decides nothing")
    return charge


def _money(fen: object) -> Money:
    if type(fen) is not int or fen < 0:
        raise HttpOutcomeUnknown("an amount that is none")
    return Money.from_fen(fen)


def _moment(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if type(seconds) is int else None
