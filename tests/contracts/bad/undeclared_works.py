"""Does what it has not declared, without a word."""

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import PurchaseResult

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleSupplier):
    def cancel(self, ctx, purchase_no, supplier_ref, reason):
        return PurchaseResult(outcome=Outcome.PENDING)


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
