"""One account at one 亿乐 site: the configuration, checked once."""

from dataclasses import dataclass
from typing import Self

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.secrets import Secret

COMMUNITY, SUP = "community", "sup"


@dataclass(frozen=True, slots=True, kw_only=True)
class YileAccount:
    """``app_id`` is the TokenID of a community, the AppID of SUP."""

    base_url: str
    flavour: str
    app_id: str
    secret: Secret
    low_balance: Money

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured`."""
        account = cls(
            base_url=config.text("base_url").rstrip("/"),
            flavour=config.text("flavour", COMMUNITY),
            app_id=config.text("app_id"),
            secret=config.secret("secret"),
            low_balance=config.money("low_balance", Money.zero()),
        )
        if account.flavour not in (COMMUNITY, SUP):
            raise Misconfigured(f"flavour is {COMMUNITY} or {SUP}")
        if not account.app_id or not account.secret:
            raise Misconfigured("app_id or secret is empty")
        return account
