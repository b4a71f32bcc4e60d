"""Numbers of the account's currency, and what they are in yuan."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation

from kameng_sdk.money import Money

MOST = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Exchange:
    """``rate`` is what one unit of ``currency`` costs in yuan."""

    currency: str
    rate: Money

    def cost(self, amount: Decimal) -> Money:
        """What is paid: rounded up, so that no cost is ever shown too low."""
        return self._yuan(amount, ROUND_CEILING)

    def worth(self, amount: Decimal) -> Money:
        """What is owned: rounded down."""
        return self._yuan(amount, ROUND_FLOOR)

    def _yuan(self, amount: Decimal, rounding: str) -> Money:
        return Money(int((amount * self.rate.amount).to_integral_value(rounding)))


def number(value: object) -> Decimal:
    """An amount from an answer, where it stands as number or text. Raises `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise ValueError("not a number")
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise ValueError("not a number") from None
    if not found.is_finite() or not 0 <= found < MOST:
        raise ValueError("not an amount")
    return found


def plain(amount: Decimal) -> str:
    """The shortest decimal: 25, 0.5; never with an exponent."""
    return format(amount.normalize(), "f")
