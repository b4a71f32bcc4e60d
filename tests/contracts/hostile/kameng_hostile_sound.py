"""Not hostile at all: the neighbour that must go on working beside every other one."""

from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import (
    BasePaymentProvider,
    ChargeResult,
    PaymentCapability,
    PaymentMethod,
    QueryResult,
)


class SoundProvider(BasePaymentProvider):
    capabilities = PaymentCapability.QUERY

    def methods(self):
        return (PaymentMethod(code="cash", label="现金"),)

    def charge(self, ctx, request):
        return ChargeResult(outcome=Outcome.PENDING, redirect_url="https://pay.example/1")

    def query(self, ctx, attempt_no, provider_ref):
        return QueryResult(outcome=Outcome.SUCCEEDED, amount=Money.from_fen(100))


@hookimpl
def kameng_manifest():
    return PluginManifest(
        id="payment-sound", kind=PluginKind.PAYMENT, name="Sound", version="1",
        api_version=(1, 0), description="Works.", author="Tests",
        config_fields=(
            ConfigField(name="gateway", label="Gateway", kind="url"),
            ConfigField(name="key", label="Key", secret=True),
        ),
    )  # fmt: skip


@hookimpl
def kameng_payment_providers(config):
    return (SoundProvider(),)
