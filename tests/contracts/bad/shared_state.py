"""Keeps a call's number in the object that all threads share."""

from dataclasses import replace

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.hookspecs import hookimpl

__all__ = ["kameng_manifest", "kameng_simulators"]

CURRENT = {}


class Bad(ExampleSupplier):
    def purchase(self, ctx, request):
        CURRENT["number"] = request.purchase_no
        self.client.ask(ctx, "/api/balance", {})
        return super().purchase(ctx, replace(request, purchase_no=CURRENT["number"]))


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
