"""Loads another plugin by its name."""

import importlib

from example_supplier.plugin import kameng_manifest, kameng_simulators, kameng_suppliers

__all__ = ["kameng_manifest", "kameng_simulators", "kameng_suppliers"]


def borrow():
    return importlib.import_module("kameng_payment_epay.plugin")
