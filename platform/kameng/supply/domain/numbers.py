"""Purchase numbers: YYMM and 14 random digits, 18 in all. Pure: the random bits come in."""

from __future__ import annotations

DIGITS = 14
BITS = 64


def purchase_no(month: str, bits: int) -> str:
    """`month` is YYMM, `bits` are `BITS` random ones. The database refuses a number given twice."""
    return f"{month}{bits % 10**DIGITS:0{DIGITS}d}"
