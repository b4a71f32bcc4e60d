"""Reaches into the host, inside a function where no import would show it."""

from example_supplier.plugin import kameng_manifest, kameng_simulators, kameng_suppliers

__all__ = ["kameng_manifest", "kameng_simulators", "kameng_suppliers"]


def peek():
    import kameng.db

    return kameng.db
