"""What other contexts and the faces may use of settlement."""

from __future__ import annotations

from kameng.settlement.domain import CHINA, PAYEE_KINDS, fee_of, period
from kameng.settlement.services.paying_out import (
    PayoutAccount,
    due_payouts,
    payout_accounts,
    start_payout,
    step_payout,
)
from kameng.settlement.services.releasing import Backlog, backlog, release_due
from kameng.settlement.services.statements import (
    ACCOUNT_WORDS,
    LINES,
    Funds,
    Statement,
    funds,
    kind_word,
    settled_days,
    statement,
    statement_lines,
    statement_sheet,
)
from kameng.settlement.services.terms import (
    Terms,
    TermsView,
    drop_terms,
    own_terms,
    save_terms,
    terms_of,
)
from kameng.settlement.services.withdrawing import (
    WithdrawalRefused,
    WithdrawalView,
    already_asked,
    cancel_withdrawal,
    decide_unknown,
    pay_by_hand,
    proof_of,
    refuse_withdrawal,
    request_withdrawal,
    unpaid_count,
    watch,
    withdrawal,
    withdrawals,
)

__all__ = [
    "ACCOUNT_WORDS", "CHINA", "LINES", "PAYEE_KINDS", "Backlog", "Funds", "PayoutAccount",
    "Statement", "Terms", "TermsView", "WithdrawalRefused", "WithdrawalView",
    "already_asked", "backlog",
    "cancel_withdrawal", "decide_unknown", "drop_terms", "due_payouts", "fee_of", "funds",
    "kind_word", "own_terms", "pay_by_hand", "payout_accounts", "period", "proof_of",
    "refuse_withdrawal", "release_due", "request_withdrawal", "save_terms", "settled_days",
    "start_payout", "statement", "statement_lines", "statement_sheet", "step_payout", "terms_of",
    "unpaid_count", "watch", "withdrawal", "withdrawals",
]  # fmt: skip
