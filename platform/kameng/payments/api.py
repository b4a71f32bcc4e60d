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
    start_top_up,
)
from kameng.payments.services.from_wallet import pay_with_balance
from kameng.payments.services.notices import handle_webhook
from kameng.payments.services.refunding import due_refunds, refund_number, send_refund

__all__ = [
    "BonusInvalid", "BonusTerms", "BonusView", "bonus_for", "bonuses_for", "delete_bonus",
    "get_bonus", "granted_bonus", "list_bonuses", "read_terms", "save_bonus", "switch_bonus", "bonus_text", "written_terms",
    "BALANCE", "MethodView", "PaymentRefused", "Started", "apply_payment", "attempt",
    "attempts_of", "claim_due_queries", "close_attempts", "due_refunds", "handle_webhook",
    "methods", "open_attempt", "open_top_up", "pay_with_balance", "query_attempt",
    "refund_number", "send_refund", "start", "start_top_up",
]  # fmt: skip
