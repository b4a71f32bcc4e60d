"""``provider_ref`` of this plugin: how to find a payment at UnionPay without keeping a state.

Before it is paid an order is known by our number and the time at which it was sent, so that time
is the reference, with the time until which it can be paid: ``20260722101500-20260722103000``.
Once paid it is UnionPay's query number alone, the same from notice, query and bill.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from .times import moment, stamp


@dataclass(frozen=True, slots=True)
class Reference:
    """Either ``sent`` and ``until`` or ``query_id``."""

    sent: str = ""
    until: str = ""
    query_id: str = ""

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None for an empty or foreign one."""
        sent, dash, until = text.partition("-")
        if dash and moment(sent) and moment(until):
            return cls(sent=sent, until=until)
        if not dash and is_query_id(text):
            return cls(query_id=text)
        return None

    @classmethod
    def of_charge(cls, now: datetime, expires_at: datetime) -> Self:
        """Of an order that is sent now."""
        return cls(sent=stamp(now), until=stamp(expires_at))

    def __str__(self) -> str:
        return self.query_id or f"{self.sent}-{self.until}"

    def which(self, order_id: str) -> dict[str, str]:
        """Fields of a query. By query number it is another sub-type."""
        if self.query_id:
            return {"txnSubType": "02", "queryId": self.query_id}
        return {"txnSubType": "00", "orderId": order_id, "txnTime": self.sent}

    def over(self, now: datetime) -> bool:
        """Whether it can no longer be paid at UnionPay."""
        until = moment(self.until)
        return until is not None and now > until


def is_query_id(text: str) -> bool:
    """UnionPay writes 21 digits; a few more or less are taken as well."""
    return 16 <= len(text) <= 32 and text.isascii() and text.isdecimal()
