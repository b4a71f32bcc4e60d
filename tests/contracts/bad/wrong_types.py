"""Answers with a class of its own, whose every question its own code would answer."""

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.money import Money

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleSupplier):
    def balance(self, ctx):
        return Purse(super().balance(ctx).amount)


class Purse(Money):
    pass


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
