"""Waits for an other side that is silent, longer than it may."""

import time

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.hookspecs import hookimpl

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleSupplier):
    def query(self, ctx, purchase_no, supplier_ref):
        try:
            return super().query(ctx, purchase_no, supplier_ref)
        except HttpOutcomeUnknown:
            time.sleep(4)
            raise


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
