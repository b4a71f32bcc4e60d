"""One account at one store: the configuration, checked once."""

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.secrets import Secret

SHARED, V4 = "shared", "v4"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAccount:
    """``app_id`` is the number of our member over there."""

    base_url: str
    flavour: str
    app_id: str
    app_key: Secret
    low_balance: Money

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured`, also where the key would go over an open line."""
        account = cls(
            base_url=config.text("base_url").rstrip("/"),
            flavour=config.text("flavour", SHARED),
            app_id=config.text("app_id"),
            app_key=config.secret("app_key"),
            low_balance=config.money("low_balance", Money.zero()),
        )
        if account.flavour not in (SHARED, V4):
            raise Misconfigured(f"flavour is {SHARED} or {V4}")
        if not account.app_id or not account.app_key:
            raise Misconfigured("app_id or app_key is empty")
        if account.flavour == SHARED and not _private_line(account.base_url):
            raise Misconfigured("接口会明文发送密钥，地址必须是 https")
        return account


def _private_line(url: str) -> bool:
    """TLS, or this very machine, where simulators are."""
    address = urlsplit(url)
    host = address.hostname or ""
    if address.scheme == "https" or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
