"""What other contexts and the faces may use of payments."""

from kameng.payments.domain.accounts import Terms
from kameng.payments.domain.devices import device_of
from kameng.payments.services.accounts import (
    AccountView,
    parse_time,
    payment_account,
    payment_accounts,
    reset_account,
    set_terms,
)
from kameng.payments.services.applying import apply_payment
from kameng.payments.services.asking import claim_due as claim_due_queries
from kameng.payments.services.asking import close_attempts, query_attempt
from kameng.payments.services.attempts import attempt, attempts_of
from kameng.payments.services.charging import Started, read_started
from kameng.payments.services.choosing import BALANCE, MethodView, methods
from kameng.payments.services.collecting import (
    open_attempt,
    open_top_up,
    start,
    start_station_payment,
    start_top_up,
)
from kameng.payments.services.from_wallet import pay_with_balance
from kameng.payments.services.funding import fund_waiting_orders
from kameng.payments.services.giving_back import refund_by_hand, request_refund, retry_refund
from kameng.payments.services.identifying import payer, payer_url
from kameng.payments.services.notices import handle_webhook
from kameng.payments.services.proving import (
    ProofView,
    WaitingView,
    add_proof,
    awaiting_confirmation,
    confirm_manual,
    proof,
    proofs_of,
)
from kameng.payments.services.refunding import due_refunds, refund_number, send_refund
from kameng.payments.services.refusing import PaymentRefused

__all__ = [
    "BALANCE", "AccountView", "MethodView", "PaymentRefused", "ProofView", "Started", "Terms",
    "WaitingView", "add_proof", "apply_payment", "attempt", "attempts_of", "awaiting_confirmation",
    "claim_due_queries", "close_attempts", "confirm_manual", "device_of", "due_refunds",
    "fund_waiting_orders", "handle_webhook", "methods", "open_attempt", "open_top_up", "parse_time",
    "pay_with_balance", "payer", "payer_url", "payment_account", "payment_accounts", "proof",
    "proofs_of", "query_attempt", "read_started", "refund_by_hand", "refund_number",
    "request_refund", "reset_account", "retry_refund", "send_refund", "set_terms", "start",
    "start_station_payment", "start_top_up",
]  # fmt: skip
