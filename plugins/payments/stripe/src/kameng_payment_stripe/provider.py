"""Stripe Checkout as a payment provider."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import stripe

from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined, HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import (
    BasePaymentProvider,
    BillResult,
    ChargeRequest,
    ChargeResult,
    PaymentCapability,
    PaymentMethod,
    QueryResult,
    RefundRequest,
    RefundResult,
    WebhookResult,
)
from kameng_sdk.webhooks import WebhookRequest

from .account import StripeAccount
from .bill import READY_AFTER, Bill, span_of
from .client import client_for, plain_errors
from .notices import read_notice

METHOD = "checkout"
CURRENCY = "cny"
# Stripe closes a session no earlier than 30 minutes after its creation. The minutes are added to
# the order's own end, so that the same attempt always asks with the same parameters.
SHORTEST_LIFE = timedelta(minutes=31)
MOST_PAGES = 3


class StripeProvider(BasePaymentProvider):
    """One Stripe account. ``provider_ref`` is the Checkout Session's id."""

    def __init__(self, account: StripeAccount) -> None:
        self._account = account

    @property
    def capabilities(self) -> PaymentCapability:
        """All that a gateway without wallets, payouts and people can do."""
        return (
            PaymentCapability.QUERY
            | PaymentCapability.REFUND
            | PaymentCapability.PARTIAL_REFUND
            | PaymentCapability.CANCEL
            | PaymentCapability.WEBHOOK
            | PaymentCapability.REDIRECT
            | PaymentCapability.QR
            | PaymentCapability.TEST_MODE
            | PaymentCapability.BILL
        )

    def methods(self) -> Sequence[PaymentMethod]:
        """One: Stripe's page offers what the account has switched on."""
        return [PaymentMethod(code=METHOD, label="银行卡（Stripe）", icon="credit-card")]

    def charge(self, ctx: CallContext, request: ChargeRequest) -> ChargeResult:
        """Create the session with our stored number as idempotency key."""
        params: Any = self._session_params(request)
        with plain_errors():
            session = client_for(ctx, self._account).v1.checkout.sessions.create(
                params, {"idempotency_key": f"charge-{request.attempt_no}"}
            )
        if not self._ours(session, request.attempt_no) or not session.url:
            raise HttpOutcomeUnknown("Stripe answered about another session")
        return ChargeResult(
            outcome=Outcome.PENDING,
            provider_ref=session.id,
            redirect_url=session.url,
            qr_content=session.url,
        )

    def _session_params(self, request: ChargeRequest) -> dict[str, Any]:
        metadata = {"attempt_no": request.attempt_no}
        if self._account.gateway_url:
            # Stripe sends notices to addresses set in its dashboard; a simulator has none.
            metadata["notify_url"] = request.notify_url
        price = {
            "currency": CURRENCY,
            "unit_amount": _fen(request.amount),
            "product_data": {"name": request.subject[:250] or request.attempt_no},
        }
        return {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "client_reference_id": request.attempt_no,
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
            "success_url": request.return_url,
            "cancel_url": request.return_url,
            "expires_at": int((request.expires_at + SHORTEST_LIFE).timestamp()),
            "locale": "en" if request.locale.startswith("en") else "zh",
        }

    def query(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> QueryResult:
        """Without a reference (the answer to create was lost) recent sessions are searched."""
        try:
            with plain_errors():
                session = self._session(ctx, attempt_no, provider_ref)
        except Declined as error:
            # Only the question was refused (a wrong key, say): that tells nothing of the money.
            return QueryResult(outcome=Outcome.UNKNOWN, message=str(error))
        if session is None or not self._ours(session, attempt_no):
            return QueryResult(outcome=Outcome.UNKNOWN, message="no such session")
        return _state_of(session)

    def _session(
        self, ctx: CallContext, attempt_no: str, provider_ref: str
    ) -> stripe.checkout.Session | None:
        sessions = client_for(ctx, self._account).v1.checkout.sessions
        if provider_ref.startswith("cs_"):
            return sessions.retrieve(provider_ref)
        after: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            params: Any = {"limit": 100, **after}
            page = sessions.list(params)
            for session in page.data:
                if session.client_reference_id == attempt_no:
                    return session
            if not page.has_more or not page.data:
                break
            after = {"starting_after": page.data[-1].id}
        return None

    def _ours(self, session: stripe.checkout.Session, attempt_no: str) -> bool:
        same = session.client_reference_id == attempt_no
        return same and session.livemode is self._account.live and session.currency == CURRENCY

    def refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """Look for the number first: Stripe forgets idempotency keys after a day."""
        intent = self._intent(ctx, request)
        known = self._known_refund(ctx, intent, request.refund_no)
        if known is not None:
            return _refund_state(known)
        params: Any = {
            "payment_intent": intent,
            "amount": _fen(request.amount),
            "metadata": {"refund_no": request.refund_no, "attempt_no": request.attempt_no},
        }
        with plain_errors():
            made = client_for(ctx, self._account).v1.refunds.create(
                params, {"idempotency_key": request.refund_no}
            )
        return _refund_state(made)

    def query_refund(self, ctx: CallContext, request: RefundRequest) -> RefundResult:
        """By our number in the refund's metadata."""
        try:
            intent = self._intent(ctx, request)
            known = self._known_refund(ctx, intent, request.refund_no)
        except Declined as error:
            return RefundResult(outcome=Outcome.UNKNOWN, message=str(error))
        if known is None:
            return RefundResult(outcome=Outcome.UNKNOWN, message="no such refund")
        return _refund_state(known)

    def _intent(self, ctx: CallContext, request: RefundRequest) -> str:
        if request.provider_ref.startswith("pi_"):
            return request.provider_ref
        with plain_errors():
            session = self._session(ctx, request.attempt_no, request.provider_ref)
        if session is None or not self._ours(session, request.attempt_no):
            raise HttpOutcomeUnknown("no such session")
        if not isinstance(session.payment_intent, str):
            raise Declined("unpaid", "nothing was paid in this session")
        return session.payment_intent

    def _known_refund(self, ctx: CallContext, intent: str, refund_no: str) -> stripe.Refund | None:
        params: Any = {"payment_intent": intent, "limit": 100}
        with plain_errors():
            page = client_for(ctx, self._account).v1.refunds.list(params)
        for refund in page.data:
            if _plain(refund.metadata).get("refund_no") == refund_no:
                return refund
        return None

    def cancel(self, ctx: CallContext, attempt_no: str, provider_ref: str) -> Outcome:
        """Expire the session. A refusal may mean "just paid", so the host has to query."""
        try:
            with plain_errors():
                session = self._session(ctx, attempt_no, provider_ref)
                if session is None or not self._ours(session, attempt_no):
                    return Outcome.UNKNOWN
                if session.status == "open":
                    session = client_for(ctx, self._account).v1.checkout.sessions.expire(session.id)
        except Declined:
            return Outcome.UNKNOWN
        return Outcome.SUCCEEDED if session.status == "expired" else Outcome.UNKNOWN

    def parse_webhook(self, ctx: CallContext, request: WebhookRequest) -> WebhookResult:
        """See `notices`."""
        return read_notice(self._account, request, ctx.clock.now())

    def bill(self, ctx: CallContext, day: date) -> BillResult:
        """See `bill`. ``provider_ref`` of its lines is the payment intent."""
        if ctx.clock.now() < span_of(day)[1] + READY_AFTER:
            return BillResult(outcome=Outcome.PENDING, message="the day is not over yet")
        try:
            with plain_errors():
                lines = Bill(client_for(ctx, self._account)).lines(day)
        except Declined as error:
            return BillResult(outcome=Outcome.UNKNOWN, message=str(error))
        return BillResult(outcome=Outcome.SUCCEEDED, lines=lines)

    def check(self, ctx: CallContext) -> None:
        """Raises the error of a call that needs the right key and does nothing."""
        with plain_errors():
            client_for(ctx, self._account).v1.balance.retrieve()


def _state_of(session: stripe.checkout.Session) -> QueryResult:
    if session.payment_status == "paid" and isinstance(session.amount_total, int):
        amount = Money.from_fen(session.amount_total)
        return QueryResult(outcome=Outcome.SUCCEEDED, provider_ref=session.id, amount=amount)
    if session.payment_status == "unpaid":
        if session.status == "expired":
            return QueryResult(outcome=Outcome.DECLINED, provider_ref=session.id)
        if session.status in ("open", "complete"):
            return QueryResult(outcome=Outcome.PENDING, provider_ref=session.id)
    message = f"session is {session.status}, {session.payment_status}"
    return QueryResult(outcome=Outcome.UNKNOWN, provider_ref=session.id, message=message)


def _refund_state(refund: stripe.Refund) -> RefundResult:
    outcomes = {
        "succeeded": Outcome.SUCCEEDED,
        "pending": Outcome.PENDING,
        "requires_action": Outcome.PENDING,
        "failed": Outcome.DECLINED,
        "canceled": Outcome.DECLINED,
    }
    outcome = outcomes.get(refund.status or "", Outcome.UNKNOWN)
    return RefundResult(outcome=outcome, provider_ref=refund.id, message=refund.status or "")


def _plain(metadata: Any) -> Mapping[str, Any]:
    """Metadata as a mapping, whatever the client made of it."""
    if isinstance(metadata, stripe.StripeObject):
        return metadata.to_dict()
    return metadata or {}


def _fen(amount: Money) -> int:
    if amount.currency != "CNY":
        raise Declined("currency", "this account collects CNY only")
    try:
        return amount.to_fen()
    except ValueError:
        raise Declined("amount", "Stripe collects whole fen only") from None
