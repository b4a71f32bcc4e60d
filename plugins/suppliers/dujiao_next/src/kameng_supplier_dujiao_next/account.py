"""One account at one dujiao-next site."""

from dataclasses import dataclass
from typing import Self

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class DujiaoAccount:
    """``api_secret`` signs both our requests and the site's notices."""

    base_url: str
    api_key: str
    api_secret: Secret

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when something is missing."""
        account = cls(
            base_url=config.text("base_url").rstrip("/"),
            api_key=config.text("api_key"),
            api_secret=config.secret("api_secret"),
        )
        if not account.api_key or not account.api_secret:
            raise Misconfigured("the key or its secret is empty")
        return account
