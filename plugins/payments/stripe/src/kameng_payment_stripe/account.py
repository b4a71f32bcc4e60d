"""One Stripe account: the configuration, checked once."""

from dataclasses import dataclass
from typing import Self

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAccount:
    """``gateway_url`` is empty for Stripe itself, else the address of a simulator."""

    secret_key: Secret
    webhook_secret: Secret
    gateway_url: str
    fee_bp: int

    @classmethod
    def from_config(cls, config: PluginConfig) -> Self:
        """Raises `Misconfigured` when a key is missing or is not of the right kind."""
        account = cls(
            secret_key=config.secret("secret_key"),
            webhook_secret=config.secret("webhook_secret"),
            gateway_url=config.text("gateway_url", "").rstrip("/"),
            fee_bp=config.number("fee_bp", 0),
        )
        if not account.secret_key.reveal().startswith(("sk_", "rk_")):
            raise Misconfigured("secret_key begins with sk_ or rk_")
        if not account.webhook_secret.reveal().startswith("whsec_"):
            raise Misconfigured("webhook_secret begins with whsec_")
        if not 0 <= account.fee_bp <= 10_000:
            raise Misconfigured("fee_bp is 0 to 10000")
        if account.gateway_url and account.live:
            raise Misconfigured("a live key belongs to Stripe only, not to a simulator")
        return account

    @property
    def live(self) -> bool:
        """Real money: what Stripe calls livemode."""
        return self.secret_key.reveal().startswith(("sk_live_", "rk_live_"))
