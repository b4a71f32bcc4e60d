"""Money: whole numbers at scale 4, one currency, no float anywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

UNITS_PER_YUAN = 10_000
UNITS_PER_FEN = 100

_DECIMAL = re.compile(r"(-?)(\d{1,15})(?:\.(\d{1,4}))?")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount at scale 4: ``Money(10_000)`` is one yuan, ``Money(1)`` a hundredth of a fen.

    Raises `TypeError` for anything but a whole number (a float or a bool is refused) and
    `ValueError` for a malformed currency. Amounts of two currencies never mix or compare.
    """

    amount: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise TypeError(f"Money takes whole units, not {type(self.amount).__name__}")
        if self.currency == "CNY":
            return
        if not isinstance(self.currency, str) or not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"not a currency code: {self.currency!r}")

    @classmethod
    def zero(cls, currency: str = "CNY") -> Money:
        """Nothing, in a currency."""
        return cls(0, currency)

    @classmethod
    def from_fen(cls, fen: int, currency: str = "CNY") -> Money:
        """Hundredths (fen, cents), as gateways count them."""
        if type(fen) is not int:
            raise TypeError(f"fen are whole, not {type(fen).__name__}")
        return cls(fen * UNITS_PER_FEN, currency)

    @classmethod
    def parse(cls, text: str, currency: str = "CNY") -> Money:
        """Read a plain decimal such as ``95.50``; raises `ValueError` for anything else.

        At most four places; no exponent, no sign but ``-``, no separators, no spaces.
        """
        if not isinstance(text, str):
            raise TypeError(f"Money.parse takes text, not {type(text).__name__}")
        match = _DECIMAL.fullmatch(text)
        if match is None or not text.isascii():
            raise ValueError(f"not an amount of money: {text!r}")
        sign, whole, places = match.groups()
        units = int(whole) * UNITS_PER_YUAN + int((places or "").ljust(4, "0"))
        return cls(-units if sign else units, currency)

    def to_fen(self) -> int:
        """Hundredths; raises `ValueError` when the amount is not a whole number of them."""
        fen, rest = divmod(self.amount, UNITS_PER_FEN)
        if rest:
            raise ValueError(f"{self.format(4)} {self.currency} is not a whole number of fen")
        return fen

    def format(self, places: Literal[2, 4] = 2) -> str:
        """``95.50`` or ``95.5000``; two places raise `ValueError` when they would hide a rest."""
        if places == 2:
            self.to_fen()
        elif places != 4:
            raise ValueError("money is shown with 2 or 4 places")
        whole, rest = divmod(abs(self.amount), UNITS_PER_YUAN)
        return f"{'-' if self.amount < 0 else ''}{whole}.{f'{rest:04d}'[:places]}"

    def __str__(self) -> str:
        return f"{self.format(4 if self.amount % UNITS_PER_FEN else 2)} {self.currency}"

    def __bool__(self) -> bool:
        return self.amount != 0

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, quantity: int) -> Money:
        if type(quantity) is not int:
            raise TypeError("money is multiplied by whole quantities only")
        return Money(self.amount * quantity, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount >= self._same(other)

    def _same(self, other: object) -> int:
        if not isinstance(other, Money):
            raise TypeError(f"Money and {type(other).__name__} do not mix")
        if other.currency != self.currency:
            raise TypeError(f"{self.currency} and {other.currency} do not mix")
        return other.amount
