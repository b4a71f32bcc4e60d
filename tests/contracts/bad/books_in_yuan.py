"""Takes the gateway's fen for yuan in its notices."""

from dataclasses import replace

from example_payment import plugin as good
from example_payment.plugin import kameng_manifest, kameng_simulators
from example_payment.provider import ExampleProvider
from kameng_sdk.errors import CapabilityNotSupported
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.payments import PaymentCapability

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleProvider):
    capabilities = ExampleProvider.capabilities & ~PaymentCapability.QUERY

    def query(self, ctx, attempt_no, provider_ref):
        raise CapabilityNotSupported("query")

    def parse_webhook(self, ctx, request):
        result = super().parse_webhook(ctx, request)
        events = [replace(event, amount=event.amount * 100) for event in result.events]
        return replace(result, events=events)


@hookimpl
def kameng_payment_providers(config):
    (sound,) = good.kameng_payment_providers(config)
    return (Bad(sound.client),)
