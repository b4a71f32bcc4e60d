"""Words of the ledger, and splitting without a remainder. Pure."""

from __future__ import annotations

from collections.abc import Sequence

FLOORED = frozenset(
    {"wallet", "prepaid", "deposit", "frozen", "available"}
)  # these have a balance row


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Split `amount` ≥ 0 by weights ≥ 0 (largest remainder): parts sum exactly, none negative.

    Raises ValueError when there is no positive weight or a negative number.
    """
    total = sum(weights)
    if amount < 0 or total <= 0 or min(weights) < 0:
        raise ValueError("split needs an amount ≥ 0 and weights ≥ 0, one of them positive")
    parts = [amount * weight // total for weight in weights]
    remainders = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for index in remainders[: amount - sum(parts)]:
        parts[index] += 1
    return parts
