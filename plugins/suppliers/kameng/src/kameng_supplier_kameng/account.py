"""One member's key at one station of another Kameng."""

from dataclasses import dataclass
from typing import Self

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class KamengAccount:
    """``secret`` signs our requests and the station's notices."""

    base_url: str
    key_id: str
    secret: Secret

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when something is missing."""
        account = cls(
            base_url=config.text("base_url").rstrip("/"),
            key_id=config.text("key_id"),
            secret=config.secret("secret"),
        )
        if not account.base_url or not account.key_id or not account.secret:
            raise Misconfigured("the address, the key or its secret is empty")
        return account
