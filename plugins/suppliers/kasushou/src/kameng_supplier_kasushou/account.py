"""One customer account at one 卡速售 site."""

from dataclasses import dataclass
from typing import Self

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class KasushouAccount:
    """``key`` signs both directions; ``low_balance`` zero: never warn."""

    base_url: str
    user_id: str
    key: Secret
    low_balance: Money

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when something is missing."""
        account = cls(
            base_url=config.text("base_url").rstrip("/"),
            user_id=config.text("user_id"),
            key=config.secret("key"),
            low_balance=config.money("low_balance", Money.zero()),
        )
        if not account.key:
            raise Misconfigured("key is empty")
        return account
