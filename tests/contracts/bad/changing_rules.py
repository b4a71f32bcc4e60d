"""Promises something else each time it is asked."""

import itertools

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.suppliers import SupplierRules

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleSupplier):
    @property
    def rules(self):
        return SupplierRules(not_found_means_nothing_s=next(COUNT))


COUNT = itertools.count(1)


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
