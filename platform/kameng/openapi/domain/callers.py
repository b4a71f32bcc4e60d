"""Who calls: a key of one member at one station."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Dialect = Literal["native", "acg-shared", "dujiao-next", "kasushou", "kakayun"]
DIALECTS: tuple[Dialect, ...] = ("native", "acg-shared", "dujiao-next", "kasushou", "kakayun")
# The key travels in clear in every request of these: whoever reads one request can spend the
# balance. Stations switch them on knowingly.
INSECURE: frozenset[Dialect] = frozenset({"acg-shared"})

Scope = Literal["account.read", "products.read", "orders.read", "orders.write", "refunds.write"]
SCOPES: tuple[Scope, ...] = (
    "account.read", "products.read", "orders.read", "orders.write", "refunds.write",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caller:
    """A checked key at work. ``sandbox``: it answers as ever, and nothing is sold."""

    station_id: int
    api_key_id: int
    key_id: str
    member_id: int
    dialect: Dialect
    sandbox: bool
    scopes: frozenset[str]
    per_minute: int
    callback_url: str
    ip: str

    @property
    def actor(self) -> str:
        """How it stands in events and the audit log."""
        return f"key:{self.key_id}"


def switched_on(dialect: str, switches: Mapping[str, bool]) -> bool:
    """Whether a station lets programs speak it; without a word of its own, what is secure is on."""
    return switches.get(dialect, dialect not in INSECURE)
