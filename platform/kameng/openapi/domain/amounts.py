"""Sums as programs read them."""

from __future__ import annotations

from functools import lru_cache

from kameng_sdk.money import UNITS_PER_FEN, Money


@lru_cache(maxsize=1_024)  # a shop has few prices
def decimal(amount: int) -> str:
    """An amount at scale 4 as decimal text: two places, or four where two would hide a rest."""
    return Money(amount).format(4 if amount % UNITS_PER_FEN else 2)
