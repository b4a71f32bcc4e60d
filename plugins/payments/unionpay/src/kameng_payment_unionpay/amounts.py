"""Amounts as UnionPay writes them: whole fen, digits only."""

from kameng_sdk.errors import Declined
from kameng_sdk.money import Money

MOST_DIGITS = 12


def to_fen(amount: Money) -> str:
    """Raises `Declined` for what the gateway cannot collect."""
    if amount.currency != "CNY":
        raise Declined("currency", "UnionPay collects CNY only here")
    try:
        return str(amount.to_fen())
    except ValueError:
        raise Declined("amount", "UnionPay collects whole fen only") from None


def from_fen(text: str) -> Money:
    """Raises `ValueError` for anything but a positive number of digits."""
    if not (text.isascii() and text.isdecimal()) or len(text) > MOST_DIGITS or int(text) == 0:
        raise ValueError("not a positive amount of fen")
    return Money.from_fen(int(text))
