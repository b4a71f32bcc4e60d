"""Written for a host that does not exist yet."""

from dataclasses import replace

from example_supplier import plugin as good
from example_supplier.plugin import kameng_simulators, kameng_suppliers
from kameng_sdk.hookspecs import hookimpl

__all__ = ["kameng_simulators", "kameng_suppliers"]


@hookimpl
def kameng_manifest():
    return replace(good.kameng_manifest(), api_version=(1, 99))
