"""A payment gateway of the tests, installed as a plugin: it remembers every payment and refund.

What it answers to the next refunds is told beforehand; what it has really done is in its record,
so a test can compare the books with the other side, as a bill would.
"""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass, field

from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined, HttpOutcomeUnknown, Misconfigured, TemporarilyUnavailable
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import PluginKind, PluginManifest
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

PLUGIN = "payment-gate"
METHODS = ("cash", "coin")
# How a refund may be answered. "lost": done, but the answer never arrives; "silent": not even done.
REFUND_ANSWERS = ("done", "later", "lost", "silent", "not_sent", "misconfigured", "declined")


@dataclass
class Gate:
    """The other side. `payments`: attempt → (reference, amount); `refunds`: number → amount."""

    payments: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    refunds: dict[str, int] = field(default_factory=dict)
    refunded_of: dict[str, int] = field(default_factory=dict)
    refund_calls: list[str] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    next_answer: str = "done"
    token: str = ""  # of the callback address
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Start anew, with numbers that were never used before."""
        for record in (self.payments, self.refunds, self.refunded_of, self.closed):
            record.clear()
        self.refund_calls.clear()
        self.next_answer = "done"

    def take(self, attempt_no: str, amount: int) -> str:
        """A shopper pays; returns the payment's reference."""
        ref = f"g{next(self.numbers)}"
        self.payments.setdefault(attempt_no, []).append((ref, amount))
        return ref

    def give_back(self, request: RefundRequest) -> None:
        """The same number is done once, however often it is asked for."""
        with self.lock:
            self.refund_calls.append(request.refund_no)
            if request.refund_no not in self.refunds:
                self.refunds[request.refund_no] = request.amount.amount
                before = self.refunded_of.get(request.provider_ref, 0)
                self.refunded_of[request.provider_ref] = before + request.amount.amount


GATE = Gate()


class GateProvider(BasePaymentProvider):
    """The client of the gate."""

    capabilities = (
        PaymentCapability.QUERY | PaymentCapability.WEBHOOK | PaymentCapability.REFUND
        | PaymentCapability.CANCEL | PaymentCapability.REDIRECT
    )  # fmt: skip

    def methods(self) -> tuple[PaymentMethod, ...]:
        return tuple(PaymentMethod(code=code, label=code) for code in METHODS)

    def charge(self, ctx: CallContext, request: ChargeRequest) -> ChargeResult:
        return ChargeResult(outcome=Outcome.PENDING, redirect_url="https://gate.example/pay")

    def query(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> QueryResult:
        taken = GATE.payments.get(attempt_no)
        if not taken:
            return QueryResult(outcome=Outcome.PENDING)
        ref, amount = taken[0]
        return QueryResult(outcome=Outcome.SUCCEEDED, provider_ref=ref, amount=Money(amount))

    def refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        match GATE.next_answer:
            case "not_sent":
                raise TemporarilyUnavailable(3, "busy")
            case "misconfigured":
                raise Misconfigured("no such merchant")
            case "declined":
                raise Declined("too_old", "cannot be refunded any more")
            case "silent":
                raise HttpOutcomeUnknown("no answer")
        GATE.give_back(request)
        if GATE.next_answer == "lost":
            raise HttpOutcomeUnknown("no answer")
        outcome = Outcome.PENDING if GATE.next_answer == "later" else Outcome.SUCCEEDED
        return RefundResult(outcome=outcome, provider_ref=f"r-{request.refund_no}")

    def query_refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        done = request.refund_no in GATE.refunds and GATE.next_answer not in ("later", "silent")
        return RefundResult(outcome=Outcome.SUCCEEDED if done else Outcome.UNKNOWN)

    def cancel(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> Outcome:
        if attempt_no in GATE.payments:
            return Outcome.UNKNOWN
        GATE.closed.add(attempt_no)
        return Outcome.SUCCEEDED

    def parse_webhook(self, ctx: CallContext, request: WebhookRequest) -> WebhookResult:
        told = json.loads(request.body)
        event = PaymentEvent(
            kind=PaymentEventKind.PAID, attempt_no=told["attempt"], provider_ref=told["ref"],
            amount=Money(told["amount"]), paid_at=None, event_id=told["ref"] or "e",
        )  # fmt: skip
        return WebhookResult(events=(event,), reply=WebhookReply(status=200, body="success"))


def notice(attempt_no: str, ref: str, amount: int) -> WebhookRequest:
    """A callback of the gate."""
    body = json.dumps({"attempt": attempt_no, "ref": ref, "amount": amount}).encode()
    return WebhookRequest(method="POST", path="/", query="", headers={}, body=body)


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id=PLUGIN, kind=PluginKind.PAYMENT, name="Gate", version="1", api_version=(1, 0),
        description="Takes and gives back.", author="Tests",
    )  # fmt: skip


@hookimpl
def kameng_payment_providers() -> tuple[GateProvider, ...]:
    return (GateProvider(),)
