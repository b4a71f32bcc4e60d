"""What other contexts and the faces may use of payments."""

from kameng.payments.services.applying import apply_payment
from kameng.payments.services.asking import claim_due as claim_due_queries
from kameng.payments.services.asking import close_attempts, query_attempt
from kameng.payments.services.billing import (
    compare_again,
    compare_bill,
    due_bills,
    fetch_bill,
    plan_bills,
    watch_differences,
    yesterday,
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

__all__ = [
    "BALANCE", "BillView", "DifferenceView", "MethodView", "PaymentRefused", "Started",
    "apply_difference", "apply_payment", "ask_about", "attempt", "attempts_of", "bills",
    "claim_due_queries", "close_attempts", "close_difference", "compare_again", "compare_bill",
    "difference", "differences", "due_bills", "due_refunds", "fetch_bill", "handle_webhook",
    "lines_of", "methods", "open_attempt", "open_top_up", "pay_with_balance", "plan_bills",
    "push_refund_again", "query_attempt", "refund_number", "request_posting", "send_refund",
    "start", "start_top_up", "watch_differences", "yesterday",
]  # fmt: skip
