"""Tells the card in the message for staff."""

from dataclasses import replace

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.hookspecs import hookimpl

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleSupplier):
    def query(self, ctx, purchase_no, supplier_ref):
        result = super().query(ctx, purchase_no, supplier_ref)
        codes = [card.code.reveal() for card in result.deliveries if card.code]
        return replace(result, message=f"delivered {codes}")


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
