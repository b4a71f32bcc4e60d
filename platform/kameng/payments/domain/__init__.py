"""Rules of payments that need no database."""

from kameng.payments.domain.attempts import (
    ACCEPTED,
    CURRENCY,
    FEN,
    QUERY_EVERY_S,
    QUERY_LATE,
    REFUND_EVERY_S,
    attempt_number,
    gateway_fee,
    next_query_delay,
    next_refund_delay,
)

__all__ = [
    "ACCEPTED", "CURRENCY", "FEN", "QUERY_EVERY_S", "QUERY_LATE", "REFUND_EVERY_S",
    "attempt_number", "gateway_fee", "next_query_delay", "next_refund_delay",
]  # fmt: skip
