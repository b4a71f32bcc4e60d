"""One Reloadly account: the configuration, checked once."""

import re
from dataclasses import dataclass
from typing import Self

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.secrets import Secret

from .exchange import Exchange

NO_SECRET = Secret("")


@dataclass(frozen=True, slots=True)
class Service:
    """One of the two APIs. Its address is also the audience that a token is made for."""

    kind: str
    url: str
    accept: str
    reports: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadlyAccount:
    """``webhook_secret`` is empty when no webhook is set up over there."""

    auth_url: str
    topups: Service
    giftcards: Service
    client_id: str
    client_secret: Secret
    webhook_secret: Secret
    exchange: Exchange
    sender_name: str

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when something is missing or cannot be."""
        hook = config.get("webhook_secret")
        return cls(
            auth_url=config.text("auth_url").rstrip("/"),
            topups=_service("topup", config.text("topups_url"), "topups", "topups/reports"),
            giftcards=_service("giftcard", config.text("giftcards_url"), "giftcards", "reports"),
            client_id=config.text("client_id"),
            client_secret=config.secret("client_secret"),
            webhook_secret=hook if isinstance(hook, Secret) else NO_SECRET,
            exchange=_exchange(config),
            sender_name=config.text("sender_name", "Kameng"),
        )


def _service(kind: str, url: str, media: str, reports: str) -> Service:
    accept = f"application/com.reloadly.{media}-v1+json"
    return Service(kind, url.rstrip("/"), accept, f"{reports}/transactions")


def _exchange(config: PluginConfig) -> Exchange:
    currency, rate = config.text("currency").upper(), config.money("rate")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise Misconfigured("currency is a code of three letters")
    if rate.currency != "CNY" or rate <= Money.zero():
        raise Misconfigured("rate is the price of one unit in yuan, above zero")
    if currency == "CNY" and rate != Money.parse("1"):
        raise Misconfigured("one yuan is one yuan")
    return Exchange(currency, rate)
