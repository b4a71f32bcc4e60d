"""A payment provider bound to one station. No method raises what the plugin raised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import cast
from urllib.parse import urlsplit

from kameng.plugins.bound import (
    MOST_ADDRESS,
    MOST_EVENTS,
    MOST_MESSAGE,
    MOST_MONEY,
    MOST_QR,
    MOST_REF,
    QUERY_S,
    Bound,
    CodeFailed,
    expect,
    expect_list,
    expect_money,
    expect_reply,
    expect_text,
    outcome_of,
    parse_notice,
    run_quietly,
    undeclared,
)
from kameng.plugins.invoke import Answer, invoke
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import (
    BillLine,
    BillResult,
    ChargeRequest,
    ChargeResult,
    PaymentCapability,
    PaymentDetail,
    PaymentEvent,
    PaymentEventKind,
    PaymentMethod,
    PaymentProvider,
    PayoutRequest,
    PayoutResult,
    QueryResult,
    RefundRequest,
    RefundResult,
    WebhookResult,
)
from kameng_sdk.webhooks import WebhookRequest

CHARGE_S = 12.0
REFUND_S = 15.0
BILL_S = 60.0
PAYOUT_S = 15.0
KINDS_S = 2.0

MOST_LINES = 100_000
MOST_FIELDS = 50
MOST_FIELD = 8_000
MOST_DETAILS = 30
MOST_DETAIL = 500
MOST_KINDS = 10
MOST_PAYER = 128


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
        method = next((one for one in self.methods if one.code == request.method), None)
        if method is None:
            return undeclared(f"method {request.method}")
        return invoke(
            self.line, "charge", lambda ctx: self.provider.charge(ctx, request),
            seconds=CHARGE_S, judge=_judge_charge, offline=method.offline,
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

    def bill(self, day: date) -> Answer[BillResult]:
        """The gateway's own list of one day, by the calendar in China."""
        if PaymentCapability.BILL not in self.capabilities:
            return undeclared("bill")
        return invoke(
            self.line, "bill", lambda ctx: self.provider.bill(ctx, day),
            seconds=BILL_S, judge=_judge_bill,
        )  # fmt: skip

    def payout_kinds(self) -> tuple[str, ...]:
        """Kinds of account it can pay to; none when it cannot pay or does not answer."""
        if PaymentCapability.PAYOUT not in self.capabilities:
            return ()
        try:
            return run_quietly(self.line, "payout_kinds", self._checked_kinds, KINDS_S)
        except CodeFailed:
            return ()

    def payout(self, request: PayoutRequest) -> Answer[PayoutResult]:
        """Send money; the row with its number must be committed before."""
        if PaymentCapability.PAYOUT not in self.capabilities:
            return undeclared("payout")
        return invoke(
            self.line, "payout", lambda ctx: self.provider.payout(ctx, request),
            seconds=PAYOUT_S, judge=_judge_payout,
        )  # fmt: skip

    def query_payout(self, request: PayoutRequest) -> Answer[PayoutResult]:
        """Ask what became of a payout."""
        if PaymentCapability.PAYOUT not in self.capabilities:
            return undeclared("query_payout")
        return invoke(
            self.line, "query_payout", lambda ctx: self.provider.query_payout(ctx, request),
            seconds=QUERY_S, judge=_judge_payout,
        )  # fmt: skip

    def identify_url(self, return_url: str, state: str) -> str:
        """The page that learns who pays, "" when there is none. Nothing is sent."""
        if PaymentCapability.IDENTIFY not in self.capabilities:
            return ""

        def checked() -> str:
            url = self.provider.identify_url(return_url, state)
            _check_address(url)
            return url

        try:
            return run_quietly(self.line, "identify_url", checked, KINDS_S)
        except CodeFailed:
            return ""

    def identify(self, code: str) -> Answer[str]:
        """Who pays, by the code that came back."""
        if PaymentCapability.IDENTIFY not in self.capabilities:
            return undeclared("identify")
        return invoke(
            self.line, "identify", lambda ctx: self.provider.identify(ctx, code),
            seconds=QUERY_S, judge=_judge_payer,
        )  # fmt: skip

    def _checked_kinds(self) -> tuple[str, ...]:
        kinds = self.provider.payout_kinds()
        expect_list(kinds, str, MOST_KINDS)
        for kind in kinds:
            expect_text(kind, MOST_DETAIL)
        return tuple(kinds)

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
    if result.redirect_url:
        _check_address(result.redirect_url)
    _check_fields(result.form)
    _check_fields(result.bridge)
    if result.form and not result.redirect_url:
        raise ValueError("a form without a page to send it to")
    expect_list(result.details, PaymentDetail, MOST_DETAILS)
    for detail in result.details:
        expect_text(detail.label, MOST_DETAIL)
        expect_text(detail.value, MOST_DETAIL)
        expect(detail.copy, bool)
    return outcome_of(result)


def _check_address(url: object) -> None:
    expect_text(url, MOST_ADDRESS)
    parts = urlsplit(str(url))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the shopper was to be sent to something that is no web address")


def _check_fields(fields: object) -> None:
    """Text to text, and no more than a page can carry."""
    expect(fields, dict)
    given = cast(dict[object, object], fields)
    if len(given) > MOST_FIELDS:
        raise ValueError("more fields than a page can carry")
    for name, value in given.items():
        expect_text(name, MOST_DETAIL)
        expect_text(value, MOST_FIELD)


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


def _judge_payout(result: PayoutResult) -> Outcome:
    expect(result, PayoutResult)
    _check_texts(result)
    return outcome_of(result)


def _judge_payer(payer: str) -> Outcome:
    expect_text(payer, MOST_PAYER)
    if not payer:
        raise ValueError("answered that nobody pays")
    return Outcome.SUCCEEDED


def _judge_bill(result: BillResult) -> Outcome:
    expect(result, BillResult)
    expect_text(result.message, MOST_MESSAGE)
    expect_list(result.lines, BillLine, MOST_LINES)
    for line in result.lines:
        _check_line(line)
    return outcome_of(result)


def _check_line(line: BillLine) -> None:
    for text in (line.attempt_no, line.provider_ref, line.refund_no, line.refund_ref):
        expect_text(text, MOST_REF)
    expect_money(line.amount)
    if not line.amount.amount:
        raise ValueError("a line that moves no money")
    if line.fee is not None:
        expect(line.fee, Money)  # below zero where a refund gave some of it back
        if abs(line.fee.amount) > MOST_MONEY:
            raise ValueError("a fee beyond all money")
    expect(line.done, bool)
    expect(line.at, datetime)
    if line.at.tzinfo is None:
        raise ValueError("a time without a zone")


def _check_texts(result: ChargeResult | QueryResult | RefundResult | PayoutResult) -> None:
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
        for text in (event.attempt_no, event.provider_ref, event.event_id, event.refund_no):
            expect_text(text, MOST_REF)
        if not event.attempt_no or not event.event_id:
            raise ValueError("an event without number or id")
