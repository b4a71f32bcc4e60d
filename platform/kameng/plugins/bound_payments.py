"""A payment provider bound to one station. No method raises what the plugin raised."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from kameng.plugins.bound import (
    MOST_ADDRESS,
    MOST_EVENTS,
    MOST_MESSAGE,
    MOST_QR,
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
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import (
    ChargeRequest,
    ChargeResult,
    PaymentCapability,
    PaymentEvent,
    PaymentEventKind,
    PaymentMethod,
    PaymentProvider,
    QueryResult,
    RefundRequest,
    RefundResult,
    WebhookResult,
)
from kameng_sdk.webhooks import WebhookRequest

CHARGE_S = 12.0
REFUND_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundProvider(Bound):
    """Commit the row with the number, then call; decide by ``Answer.outcome``."""

    capabilities: PaymentCapability
    methods: tuple[PaymentMethod, ...]
    provider: PaymentProvider

    def charge(self, request: ChargeRequest) -> Answer[ChargeResult]:
        """Start collecting. A method the plugin does not offer is refused before the call."""
        if PaymentCapability.WALLET in self.capabilities:
            return undeclared("charge")
        if request.method not in [method.code for method in self.methods]:
            return undeclared(f"method {request.method}")
        return invoke(
            self.line, "charge", lambda ctx: self.provider.charge(ctx, request),
            seconds=CHARGE_S, judge=_judge_charge,
        )  # fmt: skip

    def query(self, attempt_no: str, provider_ref: str = "") -> Answer[QueryResult]:
        """Ask what became of an attempt."""
        if PaymentCapability.QUERY not in self.capabilities:
            return undeclared("query")
        return invoke(
            self.line, "query", lambda ctx: self.provider.query(ctx, attempt_no, provider_ref),
            seconds=QUERY_S, judge=_judge_query,
        )  # fmt: skip

    def refund(self, request: RefundRequest) -> Answer[RefundResult]:
        """Give money back; the refund's row must be committed before."""
        if not self._may_refund(request):
            return undeclared("refund")
        return invoke(
            self.line, "refund", lambda ctx: self.provider.refund(ctx, request),
            seconds=REFUND_S, judge=_judge_refund,
        )  # fmt: skip

    def query_refund(self, request: RefundRequest) -> Answer[RefundResult]:
        """Ask what became of a refund."""
        if PaymentCapability.QUERY not in self.capabilities or not self._may_refund(request):
            return undeclared("query_refund")
        return invoke(
            self.line, "query_refund", lambda ctx: self.provider.query_refund(ctx, request),
            seconds=QUERY_S, judge=_judge_refund,
        )  # fmt: skip

    def cancel(self, attempt_no: str, provider_ref: str = "") -> Answer[Outcome]:
        """Close an unpaid attempt. SUCCEEDED: it can no longer be paid."""
        if PaymentCapability.CANCEL not in self.capabilities:
            return undeclared("cancel")
        return invoke(
            self.line, "cancel", lambda ctx: self.provider.cancel(ctx, attempt_no, provider_ref),
            seconds=QUERY_S, judge=_judge_cancel,
        )  # fmt: skip

    def parse_webhook(self, request: WebhookRequest) -> WebhookResult:
        """Verified facts of a notice; raises `WebhookRefused` for anything less, errors too."""
        return parse_notice(
            self.line, lambda ctx: self.provider.parse_webhook(ctx, request), _check_webhook
        )

    def _may_refund(self, request: RefundRequest) -> bool:
        needed = PaymentCapability.REFUND
        if request.amount < request.total:
            needed |= PaymentCapability.PARTIAL_REFUND
        return needed in self.capabilities


def _judge_charge(result: ChargeResult) -> Outcome:
    expect(result, ChargeResult)
    _check_texts(result)
    expect_text(result.redirect_url, MOST_ADDRESS)
    expect_text(result.qr_content, MOST_QR)
    url = result.redirect_url
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("the shopper was to be sent to something that is no web address")
    return outcome_of(result)


def _judge_query(result: QueryResult) -> Outcome:
    expect(result, QueryResult)
    _check_texts(result)
    outcome = outcome_of(result)
    if outcome is Outcome.SUCCEEDED:
        expect_money(result.amount)
    return outcome


def _judge_refund(result: RefundResult) -> Outcome:
    expect(result, RefundResult)
    _check_texts(result)
    return outcome_of(result)


def _check_texts(result: ChargeResult | QueryResult | RefundResult) -> None:
    expect_text(result.provider_ref, MOST_REF)
    expect_text(result.message, MOST_MESSAGE)


def _judge_cancel(outcome: Outcome) -> Outcome:
    expect(outcome, Outcome)
    return outcome


def _check_webhook(result: WebhookResult) -> None:
    expect(result, WebhookResult)
    expect_reply(result.reply)
    expect_list(result.events, PaymentEvent, MOST_EVENTS)
    for event in result.events:
        expect(event.kind, PaymentEventKind)
        expect_money(event.amount)
        for text in (event.attempt_no, event.provider_ref, event.event_id):
            expect_text(text, MOST_REF)
        if not event.attempt_no or not event.event_id:
            raise ValueError("an event without number or id")
