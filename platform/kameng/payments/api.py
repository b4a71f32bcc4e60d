"""What other contexts and the faces may use of payments."""

from kameng.payments.domain.accounts import Terms
from kameng.payments.domain.attempts import attempt_number
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
from kameng.payments.services.billing import (
    compare_again,
    compare_bill,
    due_bills,
    fetch_bill,
    plan_bills,
    watch_differences,
    yesterday,
)
from kameng.payments.services.bonus_words import bonus_text, read_bonus, written_bonus
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
    has_desk,
    proven_count,
    refuse_by_hand,
    station_payments,
    waiting_by_hand,
)
from kameng.payments.services.charging import Started, Visit, read_started
from kameng.payments.services.checkout import Checkout, pay, place_order
from kameng.payments.services.choosing import BALANCE, MethodView, methods
from kameng.payments.services.collecting import (
    open_attempt,
    open_top_up,
    start,
    start_station_payment,
    start_top_up,
    takes_amount,
)
from kameng.payments.services.from_wallet import pay_with_balance
from kameng.payments.services.funding import fund_waiting_orders
from kameng.payments.services.giving_back import refund_by_hand, request_refund, retry_refund
from kameng.payments.services.identifying import needs_payer, payer, payer_url
from kameng.payments.services.notices import handle_webhook
from kameng.payments.services.proving import (
    ProofView,
    add_proof,
    confirm_manual,
    proof,
    proofs_of,
)
from kameng.payments.services.reconciling import (
    BillView,
    DifferenceView,
    apply_difference,
    ask_about,
    bills,
    close_difference,
    difference,
    differences,
    lines_of,
    push_refund_again,
    request_posting,
)
from kameng.payments.services.refunding import due_refunds, refund_number, send_refund
from kameng.payments.services.refusing import PaymentRefused

__all__ = [
    "BALANCE", "AccountView", "BillView", "BonusInvalid", "BonusTerms", "BonusView", "Checkout",
    "DifferenceView", "MethodView", "PaymentRefused", "ProofView", "Started", "Terms", "Visit",
    "add_proof", "apply_difference", "apply_payment", "ask_about", "attempt", "attempt_number",
    "attempts_of", "bills", "bonus_for", "bonus_text", "bonuses_for", "claim_due_queries",
    "close_attempts", "close_difference", "compare_again", "compare_bill", "confirm_manual",
    "delete_bonus", "device_of", "difference", "differences", "due_bills", "due_refunds",
    "fetch_bill", "fund_waiting_orders", "get_bonus", "granted_bonus", "handle_webhook", "has_desk",
    "lines_of", "list_bonuses", "methods", "needs_payer", "open_attempt", "open_top_up",
    "parse_time", "pay", "pay_with_balance", "payer", "payer_url", "payment_account",
    "payment_accounts", "place_order", "plan_bills", "proof", "proofs_of", "proven_count",
    "push_refund_again", "query_attempt", "read_bonus", "read_started", "refund_by_hand",
    "refund_number", "refuse_by_hand", "request_posting", "request_refund", "reset_account",
    "retry_refund", "save_bonus", "send_refund", "set_terms", "start", "start_station_payment",
    "start_top_up", "station_payments", "switch_bonus", "takes_amount", "waiting_by_hand",
    "watch_differences", "written_bonus", "yesterday",
]  # fmt: skip
