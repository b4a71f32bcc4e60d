"""Rules of attempts and refunds that need no database."""

from __future__ import annotations

from datetime import datetime, timedelta

FEN = 100  # scale-4 units in one fen

# What apply_payment may answer when the money was taken in; the gateway is told "success".
ACCEPTED = frozenset({
    "ok", "repeat", "held", "awaiting_fulfilment", "awaiting_funds", "awaiting_recovery",
    "topped_up", "refund_no_stock", "refund_late", "refund_surplus", "ignored",
})  # fmt: skip

QUERY_EVERY_S = (8, 8, 10, 10, 12, 15, 20)  # then 25 s until the attempt expires
QUERY_LATE = ((timedelta(hours=1), 60), (timedelta(hours=26), 900))  # after that: gateways give up
REFUND_EVERY_S = (5, 10, 20, 60, 300, 900, 3600)
# A person who pays at a bank takes longer than an app does. The attempt takes proofs for a day;
# the goods wait two hours at the most, once for an order (`keep_for_transfer`).
BY_HAND_LIVES = timedelta(hours=24)
KEPT_FOR_TRANSFER = timedelta(hours=2)
BILL_EVERY_S = (600, 1800, 3600, 7200, 14_400)
CURRENCY = "CNY"


def attempt_number(now: datetime, random_part: int) -> str:
    """YYMM and sixteen random digits: what the gateway calls out_trade_no."""
    return f"{now.year % 100:02d}{now.month:02d}{random_part % 10**16:016d}"


def gateway_fee(amount: int, fee_bp: int) -> int:
    """The gateway's share in basis points, in whole fen, half up (scale 4 in and out)."""
    fen = amount // FEN
    return (fen * fee_bp + 5000) // 10000 * FEN


def next_query_delay(count: int, now: datetime, expires_at: datetime) -> timedelta | None:
    """When to ask the gateway again; None when the attempt is too old to be paid any more."""
    if now <= expires_at + timedelta(minutes=2):
        seconds = QUERY_EVERY_S[count] if count < len(QUERY_EVERY_S) else 25
        return timedelta(seconds=seconds)
    for age, seconds in QUERY_LATE:
        if now - expires_at <= age:
            return timedelta(seconds=seconds)
    return None


def next_refund_delay(tries: int) -> timedelta:
    """When to try or ask about a refund again; it is never given up."""
    return timedelta(seconds=REFUND_EVERY_S[min(tries, len(REFUND_EVERY_S) - 1)])


def next_bill_delay(tries: int) -> timedelta:
    """When to ask for a bill again that was not ready; it is never given up."""
    return timedelta(seconds=BILL_EVERY_S[min(tries, len(BILL_EVERY_S) - 1)])
