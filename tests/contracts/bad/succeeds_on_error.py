"""Takes HTTP 500 for an order that is being worked on."""

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import PurchaseResult

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleSupplier):
    def purchase(self, ctx, request):
        try:
            return super().purchase(ctx, request)
        except HttpOutcomeUnknown as error:
            if "HTTP 500" not in str(error):
                raise
            return PurchaseResult(outcome=Outcome.PENDING)


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
