"""Calls every charge paid that the gateway knows."""

from dataclasses import replace

from example_payment import plugin as good
from example_payment.plugin import kameng_manifest, kameng_simulators
from example_payment.provider import ExampleProvider
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleProvider):
    def query(self, ctx, attempt_no, provider_ref):
        result = super().query(ctx, attempt_no, provider_ref)
        if result.outcome is not Outcome.PENDING:
            return result
        return replace(result, outcome=Outcome.SUCCEEDED, amount=Money.from_fen(9550))


@hookimpl
def kameng_payment_providers(config):
    (sound,) = good.kameng_payment_providers(config)
    return (Bad(sound.client),)
