"""The wallet as a way to pay. The core moves the money; this only puts it on the list."""

from __future__ import annotations

from collections.abc import Sequence

from kameng_sdk.config import PluginConfig
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import PluginKind, PluginManifest
from kameng_sdk.payments import (
    BasePaymentProvider,
    PaymentCapability,
    PaymentMethod,
    PaymentProvider,
)

METHOD = PaymentMethod(code="balance", label="余额支付", icon="wallet")


class BalanceProvider(BasePaymentProvider):
    """Declares WALLET alone, so every call is refused as undeclared.

    A wallet is part of the ledger, and the ledger is written by the core's guarded functions
    only. A plugin that pretended to charge it would be a second way to move money.
    """

    capabilities = PaymentCapability.WALLET

    def methods(self) -> Sequence[PaymentMethod]:
        """One."""
        return (METHOD,)


@hookimpl
def kameng_manifest() -> PluginManifest:
    """On by default: it needs no account anywhere."""
    return PluginManifest(
        id="payment-balance",
        kind=PluginKind.PAYMENT,
        name="余额支付",
        version="0.1.0",
        api_version=(1, 0),
        description="会员使用账户余额付款,由账本在同一事务内扣款并发货。",
        author="Kameng",
        capabilities=("wallet",),
        on_by_default=True,
    )


@hookimpl
def kameng_payment_providers(config: PluginConfig) -> Sequence[PaymentProvider]:
    """There is nothing to configure."""
    return (BalanceProvider(),)
