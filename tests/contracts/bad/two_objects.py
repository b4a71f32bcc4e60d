"""Makes two suppliers of one account."""

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from kameng_sdk.hookspecs import hookimpl

__all__ = ["kameng_manifest", "kameng_simulators"]


@hookimpl
def kameng_suppliers(config):
    return [*good.kameng_suppliers(config), *good.kameng_suppliers(config)]
