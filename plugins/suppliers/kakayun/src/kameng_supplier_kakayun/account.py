"""One merchant account at one supplier: the configuration, checked once."""

from dataclasses import dataclass
from typing import Self

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.secrets import Secret

PUBLIC_API = "http://public.kky.v3.api.kakayun.vip"


@dataclass(frozen=True, slots=True, kw_only=True)
class KakayunAccount:
    """Orders are placed at ``site_url``, the supplier's own; all else is asked at ``api_url``."""

    site_url: str
    api_url: str
    userid: str
    key: Secret
    low_balance: Money

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when something is missing."""
        account = cls(
            site_url=config.text("site_url").rstrip("/"),
            api_url=config.text("api_url", PUBLIC_API).rstrip("/"),
            userid=config.text("userid"),
            key=config.secret("key"),
            low_balance=config.money("low_balance", Money.zero()),
        )
        if not account.key:
            raise Misconfigured("key is empty")
        return account
