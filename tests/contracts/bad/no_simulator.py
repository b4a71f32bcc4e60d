"""Needs an account, and brings nobody to try it on."""

from example_supplier.plugin import kameng_manifest, kameng_suppliers

__all__ = ["kameng_manifest", "kameng_suppliers"]
