"""How an offer is named: ``topup:<operator>:<amount>`` and ``giftcard:<product>:<unit price>``."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from kameng_sdk.errors import Declined

from .exchange import plain

_FORM = re.compile(r"(topup|giftcard):(\d{1,12}):(\d{1,9}(?:\.\d{1,4})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sku:
    """``amount`` is in the account's currency for top-ups, in the card's for gift cards."""

    kind: str
    number: int
    amount: Decimal

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `Declined`: nothing can be bought by such a name."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise Declined("sku_ref", "商品编号应为 topup:运营商:金额 或 giftcard:商品:面值")
        return cls(match[1], int(match[2]), Decimal(match[3]))

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}:{plain(self.amount)}"
