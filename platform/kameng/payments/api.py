"""What other contexts and the faces may use of payments."""

from kameng.payments.services.applying import apply_payment
from kameng.payments.services.asking import claim_due as claim_due_queries
from kameng.payments.services.asking import close_attempts, query_attempt
from kameng.payments.services.bonus_words import bonus_text, read_terms, written_terms
from kameng.payments.services.bonuses import (
    BonusInvalid,
    BonusTerms,
    BonusView,
    bonus_for,
    bonuses_for,
    delete_bonus,
    get_bonus,
    granted_bonus,
    list_bonuses,
    save_bonus,
    switch_bonus,
)
from kameng.payments.services.by_hand import (
    proven_count,
    refuse_by_hand,
    station_payments,
    waiting_by_hand,
)
from kameng.payments.services.collecting import (
    BALANCE,
    MethodView,
    PaymentRefused,
    Started,
    attempt,
    attempts_of,
    methods,
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
from kameng.payments.services.proving import add_proof, confirm_manual, proof, proofs_of
from kameng.payments.services.refunding import due_refunds, refund_number, send_refund

__all__ = [
    "BALANCE",
    "BonusInvalid",
    "BonusTerms",
    "BonusView",
    "MethodView",
    "PaymentRefused",
    "Started",
    "add_proof",
    "apply_payment",
    "attempt",
    "attempts_of",
    "bonus_for",
    "bonus_text",
    "bonuses_for",
    "claim_due_queries",
    "close_attempts",
    "confirm_manual",
    "delete_bonus",
    "due_refunds",
    "fund_waiting_orders",
    "get_bonus",
    "granted_bonus",
    "handle_webhook",
    "list_bonuses",
    "methods",
    "open_attempt",
    "open_top_up",
    "pay_with_balance",
    "payer",
    "payer_url",
    "proof",
    "proofs_of",
    "proven_count",
    "query_attempt",
    "read_terms",
    "refund_by_hand",
    "refund_number",
    "refuse_by_hand",
    "request_refund",
    "retry_refund",
    "save_bonus",
    "send_refund",
    "start",
    "start_station_payment",
    "start_top_up",
    "station_payments",
    "switch_bonus",
    "waiting_by_hand",
    "written_terms",
]  # fmt: skip
