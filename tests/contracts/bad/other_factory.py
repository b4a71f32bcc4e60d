"""Says supplier, and judges orders as well."""

from example_supplier.plugin import kameng_manifest, kameng_simulators, kameng_suppliers
from kameng_sdk.hookspecs import hookimpl

__all__ = ["kameng_manifest", "kameng_simulators", "kameng_suppliers"]


@hookimpl
def kameng_risk_rules(config):
    return ()
