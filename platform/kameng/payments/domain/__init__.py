"""Rules of payments that need no database."""

from kameng.payments.domain.attempts import (
    ACCEPTED,
    BILL_EVERY_S,
    BY_HAND_LIVES,
    CURRENCY,
    FEN,
    KEPT_FOR_TRANSFER,
    QUERY_EVERY_S,
    QUERY_LATE,
    REFUND_EVERY_S,
    attempt_number,
    gateway_fee,
    next_bill_delay,
    next_query_delay,
    next_refund_delay,
)

__all__ = [
    "ACCEPTED", "BILL_EVERY_S", "BY_HAND_LIVES", "CURRENCY", "FEN", "KEPT_FOR_TRANSFER",
    "QUERY_EVERY_S", "QUERY_LATE", "REFUND_EVERY_S", "attempt_number", "gateway_fee",
    "next_bill_delay", "next_query_delay", "next_refund_delay",
]  # fmt: skip
