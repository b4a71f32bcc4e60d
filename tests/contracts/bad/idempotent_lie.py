"""Promises that a number buys once, of an other side that sells each time it is asked."""

from example_supplier.plugin import kameng_manifest, kameng_suppliers
from example_supplier.simulator import ExampleSimulator
from kameng_sdk.hookspecs import hookimpl

__all__ = ["kameng_manifest", "kameng_suppliers"]


class Forgetful(ExampleSimulator):
    idempotent = False


@hookimpl
def kameng_simulators(environment):
    return (Forgetful(environment),)
