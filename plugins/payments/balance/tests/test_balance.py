"""The wallet is offered, and the plugin refuses to touch money."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kameng_payment_balance.plugin import kameng_manifest, kameng_payment_providers
from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import CapabilityNotSupported
from kameng_sdk.money import Money
from kameng_sdk.payments import ChargeRequest, PaymentCapability, RefundRequest
from kameng_sdk.webhooks import WebhookRequest

CONTEXT: Any = None  # no call gets as far as using it


def test_it_offers_exactly_the_wallet():
    (provider,) = kameng_payment_providers(PluginConfig())
    assert provider.capabilities == PaymentCapability.WALLET
    assert [method.code for method in provider.methods()] == ["balance"]


def test_it_needs_no_settings_and_is_on_by_default():
    manifest = kameng_manifest()
    assert manifest.on_by_default
    assert manifest.config_fields == ()


def test_every_call_is_refused_as_undeclared():
    (provider,) = kameng_payment_providers(PluginConfig())
    charge = ChargeRequest(
        attempt_no="1", amount=Money(10_000), method="balance", subject="x", notify_url="",
        return_url="", client_ip="", expires_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    refund = RefundRequest(
        attempt_no="1", provider_ref="", refund_no="2", amount=Money(1), total=Money(1)
    )
    notice = WebhookRequest(method="GET", path="/", query="", headers={}, body=b"")
    for call in (
        lambda: provider.charge(CONTEXT, charge),
        lambda: provider.query(CONTEXT, "1", ""),
        lambda: provider.refund(CONTEXT, refund),
        lambda: provider.query_refund(CONTEXT, refund),
        lambda: provider.cancel(CONTEXT, "1", ""),
        lambda: provider.parse_webhook(CONTEXT, notice),
    ):
        with pytest.raises(CapabilityNotSupported):
            call()
