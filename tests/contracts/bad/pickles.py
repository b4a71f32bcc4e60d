"""Writes objects out."""

import pickle

from example_supplier.plugin import kameng_manifest, kameng_simulators, kameng_suppliers

__all__ = ["kameng_manifest", "kameng_simulators", "kameng_suppliers", "pickle"]
