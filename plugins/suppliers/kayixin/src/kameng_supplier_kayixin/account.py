"""One customer account at one 卡易信 site, with the site's peculiarities."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.secrets import Secret

UNITS = {"s": 1, "ms": 1000}
EMPTY_BODIES = {"nothing": "", "braces": "{}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KayixinAccount:
    """``empty_body`` is sent and signed where a question has no parameters."""

    base_url: str
    app_id: str
    secret: Secret
    timestamp_unit: str
    empty_body: str
    low_balance: Money

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when something is missing or unknown."""
        account = cls(
            base_url=config.text("base_url").rstrip("/"),
            app_id=config.text("app_id"),
            secret=config.secret("secret"),
            timestamp_unit=config.text("timestamp_unit", "s"),
            empty_body=EMPTY_BODIES.get(config.text("empty_body", "nothing"), "?"),
            low_balance=config.money("low_balance", Money.zero()),
        )
        if not account.secret:
            raise Misconfigured("secret is empty")
        if account.timestamp_unit not in UNITS:
            raise Misconfigured("timestamp_unit is s or ms")
        if account.empty_body == "?":
            raise Misconfigured("empty_body is nothing or braces")
        return account

    def timestamp(self, now: datetime) -> str:
        """The time as this site wants it."""
        return str(int(now.timestamp() * UNITS[self.timestamp_unit]))
